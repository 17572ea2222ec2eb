<#
What the Windows SMB client (the redirector) answers from its own caches.

    redirector.ps1 wire          nothing: every call is seen on the wire
    redirector.ps1 application   Windows' defaults; this sets `wire` back

Needs an administrator. Lifetimes are in seconds; the defaults are those that
Get-SmbClientConfiguration is documented to show. Parsed by a test, never run: there was no
Windows to run it on.
#>
param(
    [Parameter(Mandatory = $true)]
    [ValidateSet('wire', 'application')]
    [string] $CacheProfile
)
$ErrorActionPreference = 'Stop'

$lifetimes = @{
    wire        = @{ FileInfoCacheLifetime = 0; DirectoryCacheLifetime = 0; FileNotFoundCacheLifetime = 0 }
    application = @{ FileInfoCacheLifetime = 10; DirectoryCacheLifetime = 10; FileNotFoundCacheLifetime = 5 }
}
$wanted = $lifetimes[$CacheProfile]
Set-SmbClientConfiguration @wanted -Force
Get-SmbClientConfiguration | Select-Object -Property @($wanted.Keys) | Format-List
