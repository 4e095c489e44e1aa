"""A mapping profile is data that anybody may edit: what holds is loaded, what does not is refused by its line."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from linli.server.connectors.platforms.lodging import at
from linli.server.connectors.profiles import ProfileRefused, flat_facts, load_profile, read_profile
from linli.server.connectors.profiles.__main__ import main
from linli.server.connectors.profiles.formats import FORMATS
from linli.server.connectors.profiles.vocabulary import FACTS
from linli.server.connectors.protocol import Facts, FactsMissing
from linli.server.connectors.rules import MessageKind
from tests.connectors.guests import GUESTS, facts, occasion
from tests.connectors.lodging.others import STAFF, UNIT, VISIT

HEAD = """\
[profile]
name = "elsewhere"
version = "1"
effective = 2026-03-01
source = "a fictional town's circular no. 7"
zone = "Asia/Shanghai"
"""
MARK = 'dwbm = { fact = "unit_mark", format = "text", need = "required" }\n'


def profile_of(rows: str, *, kind: str = "CHECK_IN", before: str = "") -> str:
    """A small profile with these rows."""
    return f"{HEAD}{before}\n[message.{kind}]\n{MARK}{rows}\n"


def refusal(text: str) -> str:
    """What is said to a profile that does not hold."""
    with pytest.raises(ProfileRefused) as refused:
        read_profile(text, where="elsewhere.toml")
    return str(refused.value)


def test_the_shipped_profile_says_its_version_its_source_and_from_when_it_holds() -> None:
    profile = load_profile("sichuan")
    assert (profile.name, profile.effective_date.year) == ("sichuan", 2026)
    assert profile.version
    assert "assumed" in profile.source
    told = {kind for kind in MessageKind if kind.value not in ("RESIDENT", "DOOR", "DEVICE", "PASSAGE")}
    assert set(profile.messages) == told


def test_another_region_is_another_file_and_no_code(tmp_path: Path) -> None:
    rows = (
        'xsm = { fact = "native_name", format = "text", need = "required", longest = 30 }\n'
        'sr = { fact = "birth_date", format = "day_dashed" }\n'
        'xbdm = { fact = "sex", format = "coded", codes = "xingbie" }\n'
        'dd = { fact = "checked_in_at", format = "second_dashed" }\n'
        'wcn = { fact = "minor", format = "flag" }\n'
    )
    codes = '[codes.xingbie]\nmale = "M"\nfemale = "F"\nunspecified = "X"\n'
    file = tmp_path / "elsewhere.toml"
    file.write_text(profile_of(rows, before=codes), encoding="utf-8")
    platform = at(url="", token="", profile=str(file))
    assert platform.render(occasion=occasion(), facts=facts()) == {
        "dwbm": "DF2A00001",
        "xsm": "王甲子",
        "sr": "1990-03-07",
        "xbdm": "M",
        "dd": "2026-06-01 23:04:00",
        "wcn": "0",
    }
    assert [kind for kind in MessageKind if platform.wants(kind)] == [MessageKind.CHECK_IN]
    assert platform.allowed == {MessageKind.CHECK_IN: frozenset({"dwbm", "xsm", "sr", "xbdm", "dd", "wcn"})}


REFUSED = [
    ('xm = { fact = "shoe_size", format = "text" }', "there is no fact 'shoe_size'"),
    ('xm = { fact = "native_name", format = "morse" }', "there is no format 'morse'"),
    ('xm = { fact = "native_name", format = "minute" }', "the format minute cannot write native_name"),
    ('xm = { fact = "native_name", format = "sex_code" }', "the format sex_code cannot write native_name"),
    ('xm = { fact = "beds", format = "number" }', "the fact beds is not known of a CHECK_IN"),
    ('dwbm = { fact = "stay_id", format = "text" }', "Cannot overwrite a value"),
    ('xm = { fact = "native_name", format = "text", longest = 0 }', "longest of xm is between 1 and"),
    ('xm = { fact = "native_name", format = "text", longest = "30" }', "longest of xm must be of the type int"),
    ('xm = { fact = "native_name", format = "text", longest = true }', "longest of xm must be of the type int"),
    ('xm = { fact = "native_name", format = "text", need = "perhaps" }', "need of xm is one of"),
    ('xm = { fact = "native_name", format = "text", of = "mars" }', "of limits xm"),
    ('xm = { fact = "native_name", format = "text", hue = "red" }', "a field says nothing of hue"),
    ('xm = { fact = "native_name", format = "text", fixed = "x" }', "either a fixed text or a fact"),
    ('xm = { fact = "native_name", format = "coded", codes = "names" }', "has no words to give codes to"),
    ('xm = { fact = "sex", format = "coded", codes = "nowhere" }', "must name a table with a code for each of"),
    ('xm = { fact = "native_name", format = "text", codes = "sex" }', "only for the format coded"),
    ('xm = { fact = "visa_number", format = "text", need = "required" }', "the estate does not collect visa_number"),
    ("xm = 7", "must be a table"),
    ('"X M" = { fact = "native_name", format = "text" }', "is no name of a field"),
]


@pytest.mark.parametrize(("row", "says"), REFUSED)
def test_a_row_in_doubt_refuses_the_whole_profile_and_names_its_line(row: str, says: str) -> None:
    text = profile_of(row)
    told = refusal(text)
    line = text.splitlines().index(row) + 1
    assert told.startswith(f"elsewhere.toml:{line}: "), told
    assert says in told


SENSITIVE = ["ethnicity", "faith", "politics", "photo"]


@pytest.mark.parametrize("fact", SENSITIVE)
def test_faith_ethnicity_politics_and_the_face_need_a_law_in_the_row_itself(fact: str) -> None:
    row = f'tsxx = {{ fact = "{fact}", format = "text" }}'
    assert f"{fact} is sensitive" in refusal(profile_of(row))
    assert f"{fact} is sensitive" in refusal(profile_of(row.replace(" }", ', legal_basis = " " }')))
    lawful = read_profile(profile_of(row.replace(" }", ', legal_basis = "某法第一条" }')), where="x")
    told = lawful.write(MessageKind.CHECK_IN, flat_facts(occasion=occasion(), facts=facts()))
    # The estate holds no such thing: with a law too, nothing leaves.
    assert "tsxx" not in told


@pytest.mark.parametrize("name", ["mz", "zjxy", "zzmm", "zjzp", "xczp"])
def test_a_sensitive_name_needs_a_law_whatever_is_said_to_stand_under_it(name: str) -> None:
    row = f'{name} = {{ fact = "why", format = "text" }}'
    assert "sensitive" in refusal(profile_of(row))


def test_none_that_ships_names_anything_sensitive() -> None:
    rows = [row for rows in load_profile("sichuan").messages.values() for row in rows]
    assert not any(row.legal_basis or (row.fact and FACTS[row.fact].sensitive) for row in rows)


WHOLE = [
    ("[profile", "elsewhere.toml:1: "),
    (HEAD, "a profile without messages"),
    (HEAD.replace('version = "1"\n', "") + f"[message.CHECK_IN]\n{MARK}", "must say its version"),
    (HEAD.replace("2026-03-01", '"soon"') + f"[message.CHECK_IN]\n{MARK}", "elsewhere.toml:4: "),
    (HEAD.replace("Asia/Shanghai", "Asia/Nowhere") + f"[message.CHECK_IN]\n{MARK}", "no time zone Asia/Nowhere"),
    (profile_of("", kind="CHECKIN"), "there is no kind of message CHECKIN"),
    (profile_of('parts = ["nothing"]'), "there is no part nothing"),
    (profile_of("", before='[part.x]\nxm = { fact = "why", format = "text" }\n[hooks]\n'), "there is no table hooks"),
    (profile_of('parts = ["x"]', before=f"[part.x]\n{MARK}"), "dwbm is named twice in CHECK_IN"),
    (f"{HEAD}[message.CHECK_IN]\n", "CHECK_IN has no fields"),
    (f"{HEAD}[codes.sex]\nmale = 1\n[message.CHECK_IN]\n{MARK}", "the code of male must be a text"),
]


@pytest.mark.parametrize(("text", "says"), WHOLE)
def test_a_profile_that_is_no_profile_is_refused(text: str, says: str) -> None:
    assert says in refusal(text)


@pytest.mark.parametrize("named", ["nowhere", "../secrets", "/no/such/profile.toml", "."])
def test_a_profile_that_is_not_there_is_refused(named: str) -> None:
    with pytest.raises(ProfileRefused):
        load_profile(named)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ProfileRefused):
        load_profile(str(file))


def test_what_does_not_fit_is_cut_only_where_the_profile_says_so() -> None:
    known = flat_facts(occasion=occasion(), facts=facts(GUESTS["passport"]))
    row = 'xm = { fact = "native_name", format = "text", longest = 10'
    assert read_profile(profile_of(row + ", cut = true }"), where="x").write(MessageKind.CHECK_IN, known)["xm"] == (
        "Anna Maria"
    )
    with pytest.raises(FactsMissing) as missing:
        read_profile(profile_of(row + " }"), where="x").write(MessageKind.CHECK_IN, known)
    assert missing.value.field == "xm"


def test_every_fact_of_the_vocabulary_is_gathered_for_the_messages_it_is_said_of() -> None:
    gathered: dict[MessageKind, Facts] = {
        MessageKind.CHECK_IN: facts(),
        MessageKind.VISITOR_IN: VISIT,
        MessageKind.STAFF: STAFF,
        MessageKind.UNIT_CREATE: UNIT,
    }
    for kind, subject in gathered.items():
        known = flat_facts(occasion=occasion(kind), facts=subject)
        said = {name for name, fact in FACTS.items() if kind in fact.kinds and fact.held}
        assert said == set(known), kind


def test_every_format_writes_what_it_says_it_can() -> None:
    samples = {
        "text": "x",
        "texts": ("x", "y"),
        "day": date(2026, 1, 2),
        "moment": datetime(2026, 1, 2, 3, 4, tzinfo=UTC) + timedelta(seconds=5),
        "flag": True,
        "number": 0,
    }
    zone = load_profile("sichuan").zone
    for name, form in FORMATS.items():
        for shape in form.shapes:
            written = form.write(samples[shape.value], zone)
            assert isinstance(written, str), name
    assert FORMATS["second"].write(samples["moment"], zone) == "20260102110405"


def test_the_worked_example_of_the_documentation_holds() -> None:
    page = (Path(__file__).parents[3] / "docs" / "platforms.md").read_text(encoding="utf-8")
    example = next(block for block in page.split("```toml\n")[1:] if block.startswith("[profile]")).split("```")[0]
    profile = read_profile(example, where="platforms.md")
    told = profile.write(MessageKind.CHECK_IN, flat_facts(occasion=occasion(), facts=facts(GUESTS["passport"])))
    assert (told["wx"], told["wm"], told["xbdm"]) == ("ERIKSSON", "ANNA MARIA", "F")
    assert "xsm" not in told
    assert set(profile.messages) == {MessageKind.CHECK_IN, MessageKind.CHECK_OUT}


def test_a_profile_can_be_checked_before_it_is_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sichuan"]) == 0
    assert "CHECK_IN: " in capsys.readouterr().out
    file = tmp_path / "mine.toml"
    file.write_text(profile_of('xm = { fact = "shoe_size", format = "text" }'), encoding="utf-8")
    assert main([str(file)]) == 1
    assert f"{file}:10: there is no fact 'shoe_size'" in capsys.readouterr().err
