import json
import os
import re
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
import trustme
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from preflight.config import (
    Configuration,
    ConfigurationError,
    Connector,
    ControllerAddress,
    DomainSettings,
    NetworkSettings,
    PasswordFromEnvironment,
    PasswordFromFile,
    PasswordFromPrompt,
    ServiceBusSettings,
    describe,
    from_options,
    load,
    locate,
    to_public_dict,
)
from preflight.network.endpoint import Endpoint
from preflight.secret import Secret

NAME = '[[domain]]\nname = "corp.contoso.com"\n'
USER = NAME + 'user = "reader@corp.contoso.com"\n'


@pytest.fixture
def write(tmp_path):
    def write_(text, name="preflight.toml"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write_


@pytest.fixture(scope="session")
def certificate():
    return trustme.CA().cert_pem.bytes()


def refusal(path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(path)
    text = str(caught.value)
    assert "\n" not in text  # one paragraph
    return text


# -- what is accepted ---------------------------------------------------------------------------------------------


def test_everything_that_the_design_shows(write, tmp_path, certificate):
    write(certificate, "ca.pem")
    path = write(
        """
        [connector]
        account = "MSOL_0123abcd"
        source_anchor = "mS-DS-ConsistencyGuid"

        [[domain]]
        name = "Corp.Contoso.com."
        forest = "contoso.com"
        controllers = ["dc1.corp.contoso.com", "dc2:389", "ldaps://dc3:1636", "ldap://dc4", "[2001:db8::1]:636"]
        user = "reader@corp.contoso.com"
        password_env = "CONTOSO_PASSWORD"
        auth = "simple"
        ca_file = "ca.pem"
        search_bases = ["OU=People,DC=corp,DC=contoso,DC=com"]
        exclude = ["ou=Service Accounts,dc=Corp,dc=contoso,dc=com"]
        nameserver = "10.0.0.10"
        connector_account = "MSOL_4567cdef"

        [network]
        cloud = "china"
        proxy = "http://proxy.contoso.com:3128"
        timeout = 7

        [service_bus]
        namespaces = ["ssprdedicatedsbprodscu.servicebus.windows.net", "relay:8443", "10.1.2.3"]
        relay_ports = [9350]
        relay_ports_required = true
        """
    )
    configuration = load(path)
    assert configuration.connector == Connector("MSOL_0123abcd", "mS-DS-ConsistencyGuid")
    (domain,) = configuration.domains
    assert domain == DomainSettings(
        name="corp.contoso.com",
        forest="contoso.com",
        controllers=(
            ControllerAddress("dc1.corp.contoso.com", 636, "ldaps"),
            ControllerAddress("dc2", 389, "starttls"),
            ControllerAddress("dc3", 1636, "ldaps"),
            ControllerAddress("dc4", 389, "starttls"),
            ControllerAddress("2001:db8::1", 636, "ldaps"),
        ),
        user="reader@corp.contoso.com",
        password=PasswordFromEnvironment("CONTOSO_PASSWORD"),
        auth="simple",
        ca_file=tmp_path / "ca.pem",
        search_bases=("OU=People,DC=corp,DC=contoso,DC=com",),
        exclude=("ou=Service Accounts,dc=Corp,dc=contoso,dc=com",),
        nameserver=Endpoint("10.0.0.10", 53),
        connector_account="MSOL_4567cdef",
    )
    assert configuration.connector_account(domain) == "MSOL_4567cdef"
    assert configuration.network.cloud == "china"
    assert configuration.network.timeout == 7.0
    assert configuration.network.proxy.endpoint == Endpoint("proxy.contoso.com", 3128)
    assert configuration.service_bus == ServiceBusSettings(
        (
            Endpoint("ssprdedicatedsbprodscu.servicebus.windows.net", 443),
            Endpoint("relay", 8443),
            Endpoint("10.1.2.3", 443),
        ),
        (9350,),
        True,
    )
    assert configuration.source == path
    assert configuration.warnings == ()


def test_defaults(write):
    configuration = load(write(NAME))
    assert configuration.connector == Connector(None, None)
    assert configuration.domains == (DomainSettings("corp.contoso.com", auth="negotiate"),)
    assert configuration.network == NetworkSettings("public", None, 5.0)
    assert configuration.service_bus == ServiceBusSettings((), (9350, 9351, 9352, 9353, 9354), False)


def test_a_user_without_more_means_a_simple_bind_and_a_prompt(write):
    (domain,) = load(write(USER)).domains
    assert (domain.auth, domain.password) == ("simple", PasswordFromPrompt())
    assert domain.controller_at("dc9") == ControllerAddress("dc9", 636, "ldaps")


def test_negotiate_seals_on_389(write):
    (domain,) = load(write(NAME + 'controllers = ["dc1", "ldap://dc2:3389", "dc3:389"]')).domains
    assert [(each.port, each.tls) for each in domain.controllers] == [(389, "none"), (3389, "none"), (389, "none")]
    assert domain.controller_at("dc9") == ControllerAddress("dc9", 389, "none")


def test_kerberos_over_starttls_and_with_the_ticket_at_hand(write):
    (domain,) = load(write(NAME + 'auth = "kerberos"\ncontrollers = ["ldap://dc1:389"]')).domains
    assert domain.controllers == (ControllerAddress("dc1", 389, "starttls"),)
    assert domain.password is None


def test_a_byte_order_mark_and_windows_line_ends_are_accepted(write):
    path = write(b"\xef\xbb\xbf" + NAME.replace("\n", "\r\n").encode())
    assert load(path).domains[0].name == "corp.contoso.com"
    assert "line 3" in refusal(write(b"\xef\xbb\xbf" + (NAME + "usr = 1").replace("\n", "\r\n").encode()))


def test_a_file_of_comments_is_a_configuration_without_domains(write):
    assert load(write("# nothing yet\n")).domains == ()


def test_paths_are_relative_to_the_file(write, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    write("dn:\n", "export.ldf")
    path = write(NAME + 'ldif = "export.ldf"')
    assert load(path).domains[0].ldif == tmp_path / "export.ldf"
    assert load(Path("..") / "preflight.toml").domains[0].ldif == tmp_path / "elsewhere" / ".." / "export.ldf"


def test_search_bases_below_another_are_read_once(write):
    bases = (
        '["OU=A,DC=corp,DC=contoso,DC=com", "ou=b,OU=A,DC=corp,DC=contoso,DC=com", "ou=a, dc=corp,dc=contoso,dc=com"]'
    )
    configuration = load(write(NAME + f"search_bases = {bases}"))
    assert configuration.domains[0].search_bases == ("OU=A,DC=corp,DC=contoso,DC=com",)
    assert [re.sub(".*: ", "", warning) for warning in configuration.warnings] == [
        "'ou=b,OU=A,DC=corp,DC=contoso,DC=com' is below another search base; it is read once, with that one."
    ]


def test_the_proxys_password_is_a_secret_and_a_warning(write):
    configuration = load(write('[network]\nproxy = "http://user:p%40ss@proxy:3128/"'))
    assert configuration.network.proxy.user == "user"
    assert configuration.network.proxy.password == Secret("p@ss")
    assert "HTTPS_PROXY" in configuration.warnings[0]
    for shown in (repr(configuration), describe(configuration), json.dumps(to_public_dict(configuration))):
        assert "p@ss" not in shown
        assert "p%40ss" not in shown


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, False), (0o644, True)])
def test_a_password_file_that_everybody_may_read_is_a_warning(write, tmp_path, mode, warned):
    write("secret\n", "reader.pw").chmod(mode)
    configuration = load(write(USER + 'password_file = "reader.pw"'))
    assert configuration.domains[0].password == PasswordFromFile(tmp_path / "reader.pw")
    assert any("chmod 600" in warning for warning in configuration.warnings) is warned


def test_usable_but_odd_settings_are_warnings(write, certificate):
    write(certificate, "ca.pem")
    text = '[[domain]]\nname = "CORP"\nuser = "reader"\nauth = "negotiate"\nca_file = "ca.pem"\npassword_env = "X"'
    single_label, user, unused = load(write(text)).warnings
    assert "NetBIOS" in single_label
    assert "doesn't say its domain" in user
    assert "negotiate seals without TLS" in unused


# -- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["the file is empty", "[[domain]]"]),
        (" \n\t\n", ["the file is empty"]),
        ("[conector]", ["line 1", "unknown table 'conector'", "Did you mean 'connector'?"]),
        ("[tests]\nx = 1", ["unknown table 'tests'", "Known here: connector, domain, network, service_bus"]),
        ("timeout = 5", ["unknown key 'timeout'"]),
        (NAME + 'controler = ["x"]', ["line 3, domain.controler", "Did you mean 'controllers'?"]),
        (NAME + 'search-bases = ["x"]', ["Did you mean 'search_bases'?"]),
        ('[domain]\nname = "x"', ["[[domain]]", "double brackets"]),
        ("[[network]]\ntimeout = 5", ["single brackets"]),
        ("network = 5", ["a table is expected, not a number"]),
        ("domain = [1]", ["a list of tables"]),
        ('[[domain]]\nuser = "a@b"', ["line 1, domain.name", "the domain's name is missing"]),
        ('[[domain]]\nname = ""', ["the value is empty"]),
        ("[[domain]]\nname = 5", ["a string is expected, not a number", "quotes"]),
        ('[[domain]]\nname = "10.0.0.1"', ["is an IP address"]),
        ('[[domain]]\nname = "DC=corp,DC=contoso"', ["DNS name", "corp.contoso.com"]),
        ('[[domain]]\nname = "corp contoso"', ["corp.contoso.com"]),
        (NAME + '[[domain]]\nname = "CORP.contoso.com"', ["line 4", "corp.contoso.com is configured twice"]),
        (USER + 'controllers = "dc1"', ["a list of strings is expected", "[...]"]),
        (USER + "controllers = [1]", ["a string is expected"]),
        (USER + "controllers = []", ["the list is empty", "by DNS"]),
        (USER + 'controllers = ["dc1:x"]', ["port"]),
        (USER + 'controllers = ["dc1:70000"]', ["65535"]),
        (USER + 'controllers = ["https://dc1"]', ["scheme 'https'", "ldaps://host:636"]),
        (USER + 'controllers = ["ldaps://dc1:636/dc=x"]', ["domain.controllers"]),
        (USER + 'controllers = ["ldap://u@dc1"]', ["holds no user"]),
        (USER + 'controllers = ["dc1:3269"]', ["global catalogue"]),
        (USER + 'controllers = ["ldap://dc1:636"]', ["ldaps://dc1:636"]),
        (USER + 'controllers = ["ldaps://dc1:389"]', ["ldap://dc1:389 for StartTLS"]),
        (USER + 'controllers = ["*.contoso.com"]', ["wildcard"]),
        (NAME + 'controllers = ["ldaps://dc1"]', ["TLS or sealing, never both", "ldap://dc1:389"]),
        (USER + 'auth = "negotiate"\ncontrollers = ["dc1:636"]', ["TLS or sealing, never both"]),
        (USER + 'auth = "ntlm"', ["Use one of: simple, kerberos, negotiate."]),
        (USER + 'auth = "Kerberos"', ["Did you mean 'kerberos'?"]),
        (NAME + 'auth = "simple"', ['auth = "simple" needs a user', "negotiate"]),
        (NAME + 'password_env = "X"', ["a password but no user"]),
        (USER + 'password_env = "$X"', ["no name of an environment variable"]),
        (USER + 'ca_file = "none.pem"', ["there is no file", "none.pem", "configuration file's folder"]),
        (USER + 'ca_file = "."', ["is a directory"]),
        (USER + 'ca_file = "preflight.toml"', ["no certificate in PEM form", "openssl x509"]),
        (USER + 'password_file = "none.pw"', ["there is no file", "none.pw"]),
        (NAME + 'ldif = "none.ldf"', ["there is no file", "none.ldf"]),
        (USER + 'ldif = "preflight.toml"', ["line 3, domain.user", "ldif reads an export instead"]),
        (NAME + 'ldif = "preflight.toml"\ncontrollers = ["dc1"]', ["domain.controllers", "export"]),
        (NAME + 'nameserver = "dns.contoso.com"', ["no IP address", "10.0.0.10"]),
        (NAME + 'search_bases = ["People"]', ["OU=People,DC=corp,DC=contoso,DC=com"]),
        (NAME + 'search_bases = ["OU=a,,DC=x"]', ["not a distinguished name"]),
        (NAME + 'search_bases = ["OU=a,DC=contoso,DC=com"]', ["'contoso.com', not in corp.contoso.com"]),
        (NAME + 'search_bases = ["OU=a,DC=child,DC=corp,DC=contoso,DC=com"]', ["'child.corp.contoso.com'"]),
        (NAME + "search_bases = []", ["the list is empty"]),
        (NAME + 'exclude = ["OU=a"]', ["domain.exclude"]),
        (NAME + 'exclude = ["DC=corp,DC=contoso,DC=com"]', ["no user is left"]),
        (NAME + 'connector_account = "CN=a,b"', ["not a distinguished name", "MSOL_0123abcd"]),
        ('[connector]\naccount = "S-1-x"', ["is no SID"]),
        ('[connector]\nsource_anchor = "the mail"', ["no attribute's name"]),
        ('[network]\ncloud = "usgov"', ["Use one of: public, us-government, china.", "Did you mean 'us-government'?"]),
        ("[network]\ntimeout = 0", ["0 is not a usable time-out"]),
        ("[network]\ntimeout = -1", ["not a usable time-out"]),
        ("[network]\ntimeout = 1e9", ["at most 120"]),
        ("[network]\ntimeout = nan", ["not a usable time-out"]),
        ("[network]\ntimeout = inf", ["not a usable time-out"]),
        ("[network]\ntimeout = true", ["a number is expected, not true or false"]),
        ('[network]\ntimeout = "5"', ["a number is expected, not a string", "without quotes"]),
        ("[network]\ntimeout = 2026-01-01", ["a date or time"]),
        ('[network]\nproxy = "proxy.contoso.com:3128"', ["http://proxy.contoso.com:3128"]),
        ('[network]\nproxy = "http://proxy"', ["port is missing"]),
        ('[network]\nproxy = "https://proxy:3128"', ["isn't supported"]),
        ('[network]\nproxy = "http://proxy:3128/x"', ["ends after the port"]),
        ('[service_bus]\nnamespaces = ["*.servicebus.windows.net"]', ["wildcard"]),
        ('[service_bus]\nnamespaces = ["sb://x.servicebus.windows.net"]', ["URL"]),
        ("[service_bus]\nnamespaces = []", ["documented names"]),
        ("[service_bus]\nrelay_ports = [0]", ["0 is no port"]),
        ("[service_bus]\nrelay_ports = [65536]", ["65536 is no port"]),
        ('[service_bus]\nrelay_ports = ["9350"]', ["whole numbers"]),
        ("[service_bus]\nrelay_ports_required = 1", ["true or false is expected"]),
        ("[network]\ntimeout: 5", ["line 2", "equals sign"]),
        ("[network]\ncloud = public", ["line 2", "in quotes"]),
        ("[network\n", ["line 1", "not valid TOML"]),
        ("x = " + "[" * 20_000, ["nested too deeply"]),
        ("x = " + "9" * 5_000, ["a number is too long"]),
    ],
)
def test_a_mistake_is_named_with_its_place_and_its_remedy(write, text, words):
    said = refusal(write(text))
    assert "preflight.toml" in said
    for each in words:
        assert each in said


@pytest.mark.parametrize("key", ["password", "pwd", "secret"])
@pytest.mark.parametrize("table", [NAME, "[connector]\n", "[network]\n"])
def test_a_password_in_the_file_is_refused_and_not_repeated(write, table, key):
    said = refusal(write(f'{table}{key} = "hunter2"'))
    assert "password_env" in said
    assert "password_file" in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    "text",
    [
        USER + 'password = "hunter2',
        USER + 'password_env = "hunter 2"',
        USER + "password = hunter2",
        USER + 'password_env = ["hunter2"]',
        USER + 'password = "\\hunter2"',
        '[network]\nproxy = "http://u:hunter2@p:99999"',
        '[network]\nproxy = "http://u:hunter2@bad host:1"',
        '[network]\nproxy = "u:hunter2@proxy:3128"',
    ],
)
def test_no_error_repeats_what_may_be_a_password(write, text):
    assert "hunter" not in refusal(write(text))


@pytest.mark.parametrize(
    "value",
    [r'"C:\temp\new.pem"', r'"C:\Users\ca.pem"', r'"C:\new\ca.pem"', r'"\\server\share\ca.pem"', r'"C:\certs\ca.pem"'],
)
def test_a_backslash_in_double_quotes_gets_a_hint(write, value):
    said = refusal(write(USER + f"ca_file = {value}"))
    assert "line 4" in said
    assert "single quotes" in said


def test_a_backslash_in_a_users_name_gets_the_hint_too(write):
    assert "single quotes" in refusal(write(NAME + r'user = "CORP\bob"'))
    assert load(write(NAME + r"user = 'CORP\bob'")).domains[0].user == r"CORP\bob"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_named(write, encoding):
    said = refusal(write(NAME.encode(encoding)))
    assert "UTF-16" in said
    assert "Save it as UTF-8" in said


def test_other_encodings_are_named_with_their_line(write):
    assert "line 2: the file isn't UTF-8 (byte 0xfc)" in refusal(write("[network]\n# für".encode("latin-1")))


def test_a_missing_file_a_directory_and_an_unreadable_one(write, tmp_path):
    assert "there is no such file" in refusal(tmp_path / "none.toml")
    assert "this is a directory" in refusal(tmp_path)
    assert "Check the path" in refusal(Path("a\0b"))
    assert "Check the path" in refusal(tmp_path / ("x" * 400))
    path = write(NAME)
    assert "can't be read" in refusal(path / "below")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_read_access(write):
    path = write(NAME)
    path.chmod(0)
    assert "may not read the file" in refusal(path)


def test_a_file_without_end_is_no_configuration(write):
    assert "larger than 1 MiB" in refusal(write("#" * (1 << 20) + "\n" * 2))


def test_lines_are_not_guessed_where_texts_have_several(write):
    said = refusal(write('[[domain]]\nname = """\ncorp.contoso.com"""\nusr = 1'))
    assert ", line " not in said
    assert "domain.usr (table number 1)" in said


# -- options, environment -----------------------------------------------------------------------------------------


def test_a_domain_and_a_user_are_enough():
    configuration = from_options("corp.contoso.com", "reader@corp.contoso.com")
    assert configuration.source is None
    assert configuration.domains == (
        DomainSettings(
            "corp.contoso.com", user="reader@corp.contoso.com", password=PasswordFromPrompt(), auth="simple"
        ),
    )


def test_without_options_there_are_no_domains():
    assert from_options() == Configuration()


@pytest.mark.parametrize(
    ("options", "start"),
    [
        ({"domain": "10.0.0.1"}, "--domain: "),
        ({"user": "a@b"}, "--domain: the domain's name is missing"),
        ({"domain": "c.x", "controllers": ["ftp://x"]}, "--controller: "),
        ({"domain": "c.x", "user": "a@b", "ca_file": "/none.pem"}, "--ca-file: there is no file"),
        ({"timeout": 0.0}, "--timeout: 0 is not a usable"),
        ({"proxy": "x"}, "--proxy: "),
    ],
)
def test_an_options_mistake_names_the_option(options, start):
    with pytest.raises(ConfigurationError) as caught:
        from_options(**options)
    assert str(caught.value).startswith(start)


def test_the_file_is_named_by_the_option_or_the_environment_and_never_found():
    assert locate(Path("a.toml"), {"PREFLIGHT_CONFIG": "b.toml"}) == Path("a.toml")
    assert locate(None, {"PREFLIGHT_CONFIG": "b.toml"}) == Path("b.toml")
    assert locate(None, {"PREFLIGHT_CONFIG": ""}) is None
    assert locate(None, {}) is None


# -- showing it ---------------------------------------------------------------------------------------------------


def test_resolved_settings_are_shown_without_secrets(write, monkeypatch):
    monkeypatch.setenv("CONTOSO_PASSWORD", "hunter2")
    write("hunter2\n", "reader.pw")
    write("dn:\n", "e.ldf")
    configuration = load(
        write(
            USER
            + 'password_env = "CONTOSO_PASSWORD"\ncontrollers = ["dc1", "dc2:389"]\n'
            + '[[domain]]\nname = "b.c"\nuser = "r@b.c"\npassword_file = "reader.pw"\n'
            + '[[domain]]\nname = "d.e"\nldif = "e.ldf"\nconnector_account = "MSOL_1"\n'
        )
    )
    text, public = describe(configuration), to_public_dict(configuration)
    assert "hunter2" not in text + json.dumps(public)
    for words in (
        "simple as reader@corp.contoso.com",
        "the environment variable CONTOSO_PASSWORD",
        "dc1:636 (LDAPS), dc2:389 (StartTLS)",
        "the whole domain",
        "reader.pw",
        "e.ldf",
        "MSOL_1",
    ):
        assert words in text
    assert public["domains"][0]["controllers"][1] == {"host": "dc2", "port": 389, "tls": "starttls"}
    assert "network checks only" in describe(Configuration())


def test_every_setting_of_a_domain_is_public():
    public = to_public_dict(Configuration(domains=(DomainSettings("c.x"),)))["domains"][0]
    assert set(public) - {"password_from"} == {field.name for field in fields(DomainSettings)} - {"password"}
    assert is_dataclass(DomainSettings)


# -- any text at all ----------------------------------------------------------------------------------------------

KEYS = """name forest controllers user password_env password_file auth ca_file search_bases exclude nameserver
connector_account ldif account source_anchor cloud proxy timeout namespaces relay_ports relay_ports_required"""
TEXTS = """corp.contoso.com OU=a,DC=corp,DC=contoso,DC=com dc1:636 ldap://[::1]:389 simple negotiate preflight.toml
S-1-5-21-1 10.0.0.1 http://u:p@h:1 public ."""
keys = st.sampled_from(KEYS.split())
texts = st.sampled_from(TEXTS.split()) | st.text(max_size=12)
scalars = texts.map(json.dumps) | st.sampled_from(["true", "5", "-1", "nan", "9" * 30, "2026-01-01", "{}", "[[]]"])
values = scalars | st.lists(scalars, max_size=3).map(lambda items: "[" + ", ".join(items) + "]")
tables = st.sampled_from(
    ["[connector]", "[[domain]]", '[[domain]]\nname = "corp.contoso.com"', "[network]", "[service_bus]", "[x]"]
)
lines = st.one_of(tables, st.builds("{} = {}".format, keys, values), st.text(max_size=10))


@given(st.lists(lines, max_size=8).map("\n".join) | st.text() | st.binary())
@example("x = 1979-05-27T25:00:00")
@example('"\\ud800" = 1')
@example("[network]\ntimeout = " + "1" * 400)
@example("[service_bus]\nrelay_ports = [" + "1" * 400 + "]")
@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_a_configuration_or_a_configuration_error(write, text):
    content = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    path = write(content)
    try:
        configuration = load(path)
    except ConfigurationError as error:
        assert "\n" not in str(error)
        assert len(str(error)) > 20
    else:
        assert describe(configuration)
        json.dumps(to_public_dict(configuration))
