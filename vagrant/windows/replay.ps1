<#
Replays C:\smbench\replay.workload onto this client's folder of the server's share, and puts
the run beside those of the other clients: \\server\runs\NAME.run.

Environment: SERVER (its address), OPTIONS (of smbench-mount replay). Parsed by a test, never
run: there was no Windows to run it on.
#>
$base = 'C:\smbench'
$name = $env:COMPUTERNAME.ToLowerInvariant()
$run = "$base\$name.run"
$options = @(-split "$env:OPTIONS" | Where-Object { $_ })

if (Test-Path -Path $run) { Remove-Item -Recurse -Force -Path $run -ErrorAction Stop }
& "$base\venv\Scripts\smbench-mount.exe" replay "$base\replay.workload" "\\server\share\$name" --users "$base\users\users.toml" -o $run @options
$status = $LASTEXITCODE
Remove-Item -Recurse -Force -Path "$base\replay.workload" # or the next one would come to lie inside it
# A run that differs, was late or missed a threshold is a result too, and its run.json says so.
if ($status -notin 0, 4, 5, 99) { exit $status }
if ($status -ne 0) { Write-Output "replay ended with status $status" }

# By its address the server is another one to Windows, so that this logon's account never
# meets those of the replay (error 1219).
$runs = "\\$env:SERVER\runs"
$password = (Get-Content -Path "$base\users\user01.pw").Trim()
net.exe use $runs /user:user01 $password
if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
try {
    if (Test-Path -Path "$runs\$name.run") { Remove-Item -Recurse -Force -Path "$runs\$name.run" -ErrorAction Stop }
    Copy-Item -Recurse -Path $run -Destination $runs -ErrorAction Stop
} finally {
    net.exe use $runs /delete /yes
}
