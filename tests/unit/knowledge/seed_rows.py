"""Every row of Microsoft's troubleshooting page of 2017, from which all this began, with what an entry must say of it.

The page isn't in this repository; this is its table of contents, written down once, held against the catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the page.

    Attributes:
        section: A to K.
        typed: what an admin has in hand: a code, a name or a symptom.
        name: what the page calls it, where it has a name.
        entry: the id of the entry (A to H) or procedure (I to K) that holds it.
        says: what the entry must say.
    """

    section: str
    typed: str
    entry: str
    name: str = ""
    says: tuple[str, ...] = ()


_POLICY = ("age", "history", "complexity", "filter")
_THREE_CAUSES = (*_POLICY, "entirely new", "rights", "protected group", "domain or enterprise administrators")
_TOGGLE = ("re-enable-writeback",)
_RETIRED = ("443", "ssprsbprodncu-sb.accesscontrol.windows.net", "retired")

ROWS = (
    # A. Errors that a user sees
    Row("A", "SSPR_0009", "sspr-disabled", "TenantSSPRFlagDisabled", ("switched self-service reset off",)),
    Row("A", "SSPR_0010", "sspr-writeback-off", "WritebackNotEnabled", ("writeback isn't enabled",)),
    Row("A", "SSPR_0011", "sspr-no-policy", "SsprNotEnabledInUserPolicy", ("policy",)),
    Row("A", "SSPR_0012", "sspr-not-licensed", "UserNotLicensed", ("licence", "Assign")),
    Row("A", "SSPR_0012", "sspr-not-in-group", "UserNotMemberOfScopedAccessGroup", ("group", "SSPR_0013 today")),
    Row("A", "SSPR_0013", "sspr-not-in-group", "UserNotMemberOfScopedAccessGroup"),
    Row(
        "A",
        "SSPR_0014",
        "sspr-no-data",
        "UserNotProperlyConfigured",
        ("aka.ms/ssprsetup", "Reset the password for the user"),
    ),
    Row("A", "SSPR_0029", "sspr-on-premises-admin", "OnPremisesAdminActionRequired", ("on-premises configuration",)),
    Row("A", "SSPR_0030", "sspr-connectivity", "OnPremisesConnectivityError", ("try again later", *_TOGGLE)),
    # B. Configuration in the portal
    Row("B", "portal-no-section", "portal-no-section", says=("Password reset", "licence")),
    Row("B", "option is missing", "portal-option-hidden", says=("hidden until they are needed",)),
    Row("B", "On-premises integration", "portal-no-on-premises-tab", says=("Entra Connect is installed", "configured")),
    # C. Reporting
    Row("C", "Self-service Password Management", "report-no-activity", says=("licence", "audit log")),
    Row(
        "C",
        "registrations appear several times",
        "report-repeated-registrations",
        says=("pivot table", "event of its own"),
    ),
    # D. Registration portal
    Row("D", "registration-not-enabled", "registration-not-enabled", says=("Selected (a group) or All", "save")),
    Row("D", "registration-not-licensed", "registration-not-licensed", says=("licence", "not enabled you")),
    Row("D", "registration-error", "registration-error", says=("outage", "configuration", "support")),
    # E. Reset portal
    Row("E", "reset-not-enabled", "reset-not-enabled", says=("Selected (a group) or All", "save")),
    Row("E", "reset-not-licensed", "reset-not-licensed", says=("licence",)),
    Row("E", "authentication data missing or malformed", "reset-data-missing", says=("in the right form",)),
    Row("E", "reset-one-method", "reset-one-method", says=("two", "mobile phone and office phone")),
    Row(
        "E",
        "user cannot be contacted",
        "reset-not-contacted",
        says=("10 seconds", "try again", "contact your administrator", "temporary", "mail goes to the administrators"),
    ),
    Row("E", "no SMS", "reset-no-call", says=("+CC xxxyyyzzzzXeeee", "xtensions are not supported", "PBX")),
    Row("E", "no mail", "reset-no-mail", says=("spam", "junk", "deleted", "right mailbox")),
    Row("E", "reset-policy-not-applied", "reset-policy-not-applied", says=("administrators", "Microsoft's own")),
    Row(
        "E",
        "too many attempts",
        "reset-too-often",
        says=("five times", "within an hour", "24 hours", "security questions"),
    ),
    Row("E", "phone number not accepted", "reset-phone-refused", says=("on file", "country code and area code")),
    Row("E", "reset-error", "reset-error", says=("outage", "configuration", "support")),
    # F. Writeback symptoms
    Row("F", "6800", "endpoint-not-started", says=("PasswordResetService", "restart-sync-service", "WCF", *_TOGGLE)),
    Row(
        "F", "hr=800700CE", "connector-password-too-long", says=("127", "Connectors", "Properties", "Credentials", "OK")
    ),
    Row("F", "32009", "auth-token-failed", says=("last step", "federated", "password", "Error getting auth token")),
    Row("F", "32002", "service-bus-error", says=("token provider", "443", "restart the sync machine")),
    Row(
        "F",
        "works, then stops",
        "stopped-working",
        says=("PowerShell", "wizard", "uninstall", "last resort", *_TOGGLE),
    ),
    Row("F", "access denied", "ma-access-denied", says=("up to an hour", "SDProp", "security descriptor")),
    Row(
        "F",
        "object could not be found",
        "object-not-found",
        says=("Microsoft.InfromADUserAccountEnabled.xxx", "connector space", "metaverse", "this installation"),
    ),
    Row(
        "F",
        "multiple matches",
        "multiple-matches",
        says=("Microsoft.InfromADUserAccountEnabled.xxx", "more than one forest", "doesn't support"),
    ),
    Row("F", "0x8023061f", "forest-added-later", says=("added", "removed and added again", *_TOGGLE)),
    # G. ADSync events
    Row("G", "0x80230619", "password-policy-refused", says=(*_POLICY, "minimum age to 0", "history to 0")),
    Row("G", "6329", "password-policy-refused"),
    Row(
        "G",
        "admaexport.cpp(2837)",
        "no-policy-hints",
        says=("1.2.840.113556.1.4.2066", "2008", "service pack", "KB2386717", "2008 R2"),
    ),
    Row("G", "6329", "no-policy-hints"),
    Row(
        "G",
        "HR 8023042",
        "duplicate-anchor",
        says=("several domains", "account and resource forests", "isn't unique", "alias"),
    ),
    Row("G", "hr=80230402", "duplicate-anchor"),
    # H. PasswordResetService events
    Row("H", "31001", "reset-started", "PasswordResetStart", ("first event of every reset",)),
    Row("H", "31002", "reset-succeeded", "PasswordResetSuccess", ("written to Active Directory",)),
    Row("H", "31003", "reset-failed", "PasswordResetFail", _THREE_CAUSES),
    Row("H", "31004", "onboarding-started", "OnboardingEventStart", ("onboarded",)),
    Row("H", "31005", "onboarding-succeeded", "OnboardingEventSuccess", ("ready",)),
    Row("H", "31006", "change-started", "ChangePasswordStart", ("first event of every change",)),
    Row("H", "31007", "change-succeeded", "ChangePasswordSuccess", ("written to Active Directory",)),
    Row("H", "31008", "change-failed", "ChangePasswordFail", _THREE_CAUSES),
    Row(
        "H",
        "31009",
        "admin-reset-started",
        "ResetUserPasswordByAdminStart",
        ("first event of every reset by an admin",),
    ),
    Row("H", "31010", "admin-reset-succeeded", "ResetUserPasswordByAdminSuccess", ("written to Active Directory",)),
    Row("H", "31011", "admin-reset-failed", "ResetUserPasswordByAdminFail", _THREE_CAUSES),
    Row("H", "31012", "offboarding-started", "OffboardingEventStart", ("offboarded",)),
    Row("H", "31013", "offboarding-succeeded", "OffboardingEventSuccess", ("writeback is off",)),
    Row("H", "31014", "offboarding-failed", "OffboardingEventFail", ("permissions", "federated", "Active Directory's")),
    Row("H", "31015", "service-started", "WriteBackServiceStarted", ("accepts requests",)),
    Row("H", "31016", "service-stopped", "WriteBackServiceStopped", ("no request from the cloud is served",)),
    Row("H", "31017", "token-obtained", "AuthTokenSuccess", ("global administrator", "onboarding or offboarding")),
    Row("H", "31018", "key-created", "KeyPairCreationSuccess", ("encrypts passwords",)),
    Row("H", "32000", "unknown-error", "UnknownError", ("exception", "tracking id", *_TOGGLE)),
    Row("H", "32001", "web-service-unreachable", "ServiceError", ("web service",)),
    Row("H", "32002", "service-bus-error", "ServiceBusError", (*_RETIRED, *_TOGGLE)),
    Row("H", "32003", "input-invalid", "InPutValidationError", ("not valid", "again")),
    Row("H", "32004", "decryption-failed", "DecryptionError", ("key", "don't match", *_TOGGLE)),
    Row("H", "32005", "configuration-error", "ConfigurationError", ("file", "onboarding", "service started", *_TOGGLE)),
    Row("H", "32007", "onboarding-config-failed", "OnBoardingConfigUpdateError", ("in memory", *_TOGGLE)),
    Row("H", "32008", "response-invalid", "ValidationError", ("answer that isn't valid", *_TOGGLE)),
    Row("H", "32009", "auth-token-failed", "AuthTokenError", ("name or password", "federated", "managed")),
    Row("H", "32010", "crypto-error", "CryptoError", ("environment", "details", *_TOGGLE)),
    Row("H", "32011", "onboarding-failed", "OnBoardingServiceError", (*_RETIRED, "9350-9354", "federated")),
    Row("H", "32013", "offboarding-service-failed", "OffBoardingError", (*_RETIRED, "federated")),
    Row("H", "32014", "service-bus-retry", "ServiceBusWarning", ("latency", "bandwidth", "try again")),
    Row("H", "32015", "health-report-failed", "ReportServiceHealthError", ("5 minutes", "heartbeat", "no data about")),
    Row("H", "33001", "ad-unknown-error", "ADUnKnownError", ("ADSync",)),
    Row(
        "H",
        "33002",
        "ad-user-not-found",
        "ADUserNotFoundError",
        ("deleted on-premises", "not in the cloud", "sync logs"),
    ),
    Row("H", "33003", "ad-multiple-matches", "ADMutliMatchError", ("anchor", "two users", "sync logs")),
    Row(
        "H",
        "33004",
        "ad-permissions",
        "ADPermissionsError",
        ("Reset password and Change password", "all objects of the user's forest"),
    ),
    Row("H", "33005", "ad-account-disabled", "ADUserAccountDisabled", ("disabled", "Enable the account")),
    Row("H", "33006", "ad-account-locked", "ADUserAccountLockedOut", ("too often in a short time", "Unlock")),
    Row("H", "33007", "ad-incorrect-password", "ADUserIncorrectPassword", ("present password", "try again")),
    Row("H", "33008", "ad-password-policy", "ADPasswordPolicyError", (*_POLICY, "set it to 0", "last N")),
    Row("H", "33009", "ad-configuration", "ADConfigurationError", ("ADSync",)),
    # I. Connectivity, in this order
    Row("I", "confirm the network", "confirm-network", says=("firewalls and proxies", "idle time-outs")),
    Row(
        "I",
        "restart the sync service",
        "restart-sync-service",
        says=("services.msc", "Microsoft Azure AD Sync", "Restart", "as an administrator"),
    ),
    Row(
        "I",
        "disable and re-enable password writeback",
        "re-enable-writeback",
        says=(
            "wizard",
            "Connect to Azure AD",
            "global administrator",
            "Connect to AD DS",
            "Uniquely identifying your users",
            "Optional features",
            "Ready to configure",
            "green Configure",
            "Synchronise now",
            "Finish",
            "steps 2 to 8",
        ),
    ),
    Row(
        "I",
        "install-latest",
        "install-latest",
        says=(
            "back them up",
            "by hand",
            "in place",
            "disable and re-enable password writeback once more",
            "only after",
        ),
    ),
    # J. Verify the permission
    Row(
        "J",
        "verify-permission",
        "verify-permission",
        says=(
            "Synchronization Service Manager",
            "Connectors",
            "Properties",
            "Connect to Active Directory Forest",
            "Active Directory Users and Computers",
            "Advanced Features",
            "Security",
            "Advanced",
            "Effective Access",
            "Reset password",
        ),
    ),
    # K. What support asks for
    Row(
        "K",
        "what support asks for",
        "ask-support",
        says=(
            "description",
            "page",
            "picture of the screen",
            "support code",
            "GUID",
            "SID and CID",
            "F12",
            "time zone",
            "federated",
            "hash",
            "cloud only",
            "licence",
            "zipped",
            "Application event log",
        ),
    ),
)

STEPS = {"restart-sync-service": 4, "re-enable-writeback": 10, "verify-permission": 10, "ask-support": 7}
"""How many steps, or things that support asks for, the page has."""

NUMBERS = {
    9: "TenantSSPRFlagDisabled",
    10: "WritebackNotEnabled",
    11: "SsprNotEnabledInUserPolicy",
    12: "UserNotLicensed",
    13: "UserNotMemberOfScopedAccessGroup",
    14: "UserNotProperlyConfigured",
    29: "OnPremisesAdminActionRequired",
    30: "OnPremisesConnectivityError",
}

SINCE = {
    "31019": "heartbeat",
    "31034": "listener-failed",
    "31044": "host-not-running",
    "6306": "adsync-unexpected",
    "405": "adsync-ldap-bind",
    "403": "adsync-logon-user",
    "656": "hash-sync-request",
    "657": "hash-sync-result",
    "611": "hash-sync-failed",
    "4724": "dc-reset-attempt",
    "0x8023062c": "ldap-not-signed",
    "0x80231367": "admin-count-refused",
    "OnPremisesSuccessCloudFailure": "sspr-cloud-failure",
    "User cannot change password": "change-denied",
    "staging": "staging-mode",
    "two active servers": "second-active-server",
    "cloud sync": "cloud-sync",
    "2.5.79.0": "version-too-old",
    "AdminSDHolder": "protected-account",
    "new password expired at once": "new-password-expired",
    "Failed to acquire user information": "sam-read-denied",
    "ERROR_ACCESS_DENIED": "sam-read-denied",
}
"""What came after 2017."""

IN_NO_TABLE = ("32006", "32012", "33010", "33011", "31000", "32016", "33000")
"""Numbers between those that exist."""
