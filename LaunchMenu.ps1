<#
.SYNOPSIS
    Starts, stops and checks LlamaRunner Pro: as a menu, or with the command as an argument.
.EXAMPLE
    .\LaunchMenu.ps1
.EXAMPLE
    .\LaunchMenu.ps1 start --lmstudio-port 1235
#>

# No param block: PowerShell would take what begins with a dash for its own,
# and every argument belongs to main.py.
$ErrorActionPreference = 'Stop'
# An exit code is passed on and is no error of this script, whatever the PowerShell.
$PSNativeCommandUseErrorActionPreference = $false

function Find-Python {
    if ($env:VIRTUAL_ENV -or $env:CONDA_PREFIX) { return 'python' }
    foreach ($name in 'py', 'python3', 'python') {
        if (Get-Command $name -CommandType Application -ErrorAction SilentlyContinue) { return $name }
    }
    return Join-Path $PSScriptRoot '.venv\Scripts\python.exe'
}

function Invoke-Main {
    $words = @(Join-Path $PSScriptRoot 'main.py') + $args
    # The launcher takes the newest Python 3; main.py says so if that is too old.
    if ($python -eq 'py') { $words = @('-3') + $words }
    & $python @words
}

$python = Find-Python
if (-not (Get-Command $python -ErrorAction SilentlyContinue)) {
    Write-Host 'Python 3.11 or newer is needed: https://www.python.org/downloads/'
    exit 2
}

if ($args.Count -gt 0) {
    Invoke-Main @args
    exit $LASTEXITCODE
}

$commands = 'start', 'stop', 'status', 'models', 'validate', 'test'
while ($true) {
    Write-Host ''
    Write-Host 'LlamaRunner Pro'
    for ($i = 0; $i -lt $commands.Count; $i++) {
        Write-Host ('  {0}  {1}' -f ($i + 1), $commands[$i])
    }
    Write-Host '  q  quit'
    $choice = Read-Host 'Choice'
    if ($choice -eq 'q') { exit 0 }
    if ($choice -match '^[1-6]$') {
        Invoke-Main $commands[[int]$choice - 1]
        if ($LASTEXITCODE -ne 0) { Write-Host "ended with code $LASTEXITCODE" }
    }
}
