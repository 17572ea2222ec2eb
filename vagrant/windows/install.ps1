<#
A Windows client: Python, smbench-mount in C:\smbench\venv, the accounts in C:\smbench\users,
and the redirector's caches as settings.yaml says. May be run again.

Environment: ACCOUNTS "user01=password …", SERVER (its address), PYTHON (a version),
PROFILE (wire or application). Parsed by a test, never run: there was no Windows to run it on.
#>
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue' # its bar makes downloads many times slower
$base = 'C:\smbench'

function Invoke-Program([string] $Program, [string[]] $Arguments) {
    $ErrorActionPreference = 'Continue' # what a program writes to stderr is no error by itself
    & $Program @Arguments
    if ($LASTEXITCODE -ne 0) { throw "$Program $Arguments ended with status $LASTEXITCODE" }
}

# --- Python ---------------------------------------------------------------------------------

$python = "C:\Python-$env:PYTHON\python.exe"
if (-not (Test-Path -Path $python)) {
    $installer = "$env:TEMP\python-$env:PYTHON.exe"
    $address = "https://www.python.org/ftp/python/$env:PYTHON/python-$env:PYTHON-amd64.exe"
    [Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12
    Invoke-WebRequest -UseBasicParsing -Uri $address -OutFile $installer
    $signature = Get-AuthenticodeSignature -FilePath $installer
    if ($signature.Status -ne 'Valid' -or $signature.SignerCertificate.Subject -notlike '*Python Software Foundation*') {
        throw "$address is not signed by the Python Software Foundation ($($signature.Status))"
    }
    $choices = '/quiet', 'InstallAllUsers=1', 'Include_test=0', "TargetDir=C:\Python-$env:PYTHON"
    $setup = Start-Process -FilePath $installer -ArgumentList $choices -Wait -PassThru
    if ($setup.ExitCode -ne 0) { throw "the installer of Python $env:PYTHON ended with status $($setup.ExitCode)" }
}

# --- smbench-mount --------------------------------------------------------------------------

Invoke-Program $python @('-m', 'venv', "$base\venv")
Invoke-Program "$base\venv\Scripts\python.exe" @('-m', 'pip', 'install', '--quiet', '--editable', "$base\project")
$path = [Environment]::GetEnvironmentVariable('Path', 'Machine')
if ($path -notlike "*$base\venv\Scripts*") {
    [Environment]::SetEnvironmentVariable('Path', "$path;$base\venv\Scripts", 'Machine')
}

# --- the server and its accounts ------------------------------------------------------------

$hosts = "$env:SystemRoot\System32\drivers\etc\hosts"
if (-not (Select-String -Quiet -SimpleMatch -Path $hosts -Pattern "$env:SERVER server")) {
    Add-Content -Path $hosts -Value "`r`n$env:SERVER server"
}

New-Item -ItemType Directory -Force -Path "$base\users" | Out-Null
# As 0600: only administrators and the system read the passwords.
Invoke-Program 'icacls.exe' @("$base\users", '/inheritance:r', '/grant:r', '*S-1-5-32-544:(OI)(CI)F', '*S-1-5-18:(OI)(CI)F')
$toml = ''
foreach ($account in -split $env:ACCOUNTS) {
    $name, $password = $account -split '=', 2
    [IO.File]::WriteAllText("$base\users\$name.pw", "$password`n") # UTF-8 without a mark, unlike Set-Content
    $toml += "[[user]]`nname = `"$name`"`npassword_file = `"$name.pw`"`n`n"
}
[IO.File]::WriteAllText("$base\users\users.toml", $toml)

& "$base\scripts\redirector.ps1" $env:PROFILE
Invoke-Program "$base\venv\Scripts\smbench-mount.exe" @('--version')
