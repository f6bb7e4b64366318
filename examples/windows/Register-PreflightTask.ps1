#Requires -RunAsAdministrator
#Requires -Version 5.1
<#
.SYNOPSIS
Runs preflight every 15 minutes on this server, by the Task Scheduler.

.DESCRIPTION
The account reads the directory as itself (leave `user` out of preflight.toml), so no password stands in a file. A group
managed service account is best: its name ends with $, and it has no password to type. It needs the right to log on as a
batch job. Once, as an administrator of the domain and of this server:

  New-ADServiceAccount svc-preflight -DNSHostName svc-preflight.corp.contoso.com -PrincipalsAllowedToRetrieveManagedPassword 'SYNC01$'
  Install-ADServiceAccount svc-preflight

preflight-task.xml is the same task for the Task Scheduler's own import.

.EXAMPLE
.\Register-PreflightTask.ps1 -Account 'CORP\svc-preflight$'

.EXAMPLE
.\Register-PreflightTask.ps1 -Account 'CORP\reader'
Asks for the account's password.
#>
[CmdletBinding(SupportsShouldProcess)]
param(
    [Parameter(Mandatory)] [string] $Account,
    [string] $Program = 'C:\preflight\Scripts\preflight.exe',
    [string] $Folder = 'C:\ProgramData\preflight',
    [string] $TaskName = 'Preflight'
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$config = Join-Path $Folder 'preflight.toml'
if (-not (Test-Path -LiteralPath $Program -PathType Leaf)) { throw "$Program is not there. Install preflight first, or give -Program." }
if (-not (Test-Path -LiteralPath $config -PathType Leaf)) { throw "$config is not there. Write it first, or give -Folder." }
& $Program config check $config | Out-Null
if ($LASTEXITCODE -ne 0) { throw "$config has an error. See: $Program config check $config" }

if (-not $PSCmdlet.ShouldProcess($TaskName, "register the task, as $Account")) { return }

# The folder is for administrators, the system and the account, and for nobody else: a report tells weak spots of the
# directory. By SID, since the names of groups differ from language to language.
& icacls $Folder /inheritance:r /grant:r '*S-1-5-32-544:(OI)(CI)F' '*S-1-5-18:(OI)(CI)F' "${Account}:(OI)(CI)M" | Out-Null
if ($LASTEXITCODE -ne 0) { throw "The rights on $Folder could not be set. Is $Account right?" }

$arguments = "run --config ""$Folder\preflight.toml"" --profile monitor --quiet --history ""$Folder\history.sqlite"" -o ""json=$Folder\last.json"""
$task = @{
    TaskName    = $TaskName
    Description = 'Looks whether password writeback works. It reads, and changes nothing.'
    Action      = New-ScheduledTaskAction -Execute $Program -Argument $arguments -WorkingDirectory $Folder
    Trigger     = New-ScheduledTaskTrigger -Once -At (Get-Date).Date -RepetitionInterval (New-TimeSpan -Minutes 15) -RandomDelay (New-TimeSpan -Minutes 1)
    Settings    = New-ScheduledTaskSettingsSet -MultipleInstances IgnoreNew -StartWhenAvailable -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries -ExecutionTimeLimit (New-TimeSpan -Minutes 10)
    Force       = $true
}
if ($Account.EndsWith('$')) {
    $task.Principal = New-ScheduledTaskPrincipal -UserId $Account -LogonType Password -RunLevel Limited
}
else {
    $credential = Get-Credential -UserName $Account -Message "The password of $Account, for the task $TaskName"
    $task.User = $Account
    $task.Password = $credential.GetNetworkCredential().Password
}
Register-ScheduledTask @task | Out-Null
Start-ScheduledTask -TaskName $TaskName
Write-Output "Registered and started: $TaskName. Its report: $Folder\last.json"
