# A local check for Checkmk on Windows. Copy it to C:\ProgramData\checkmk\agent\local, and in
# C:\ProgramData\checkmk\agent\check_mk.user.yml let the agent run it every 15 minutes in the background:
#
#   local:
#     enabled: yes
#     execution:
#       - pattern: $CUSTOM_LOCAL_PATH$\preflight.ps1
#         async: yes
#         run: yes
#         cache_age: 900
#         timeout: 600
$program = 'C:\preflight\Scripts\preflight.exe'
$config = 'C:\ProgramData\preflight\preflight.toml'
$env:PYTHONUTF8 = '1'
[Console]::OutputEncoding = [Text.Encoding]::UTF8

if (-not (Test-Path -LiteralPath $program)) {
    Write-Output "3 ""Password writeback"" - $program is not there"
    exit 0
}
& $program run --config $config --profile monitor --format checkmk 2>$null
if ($LASTEXITCODE -notin 0, 3) {
    Write-Output "3 ""Password writeback"" - $program ended with $LASTEXITCODE"
}
exit 0
