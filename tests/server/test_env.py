"""Every variable is typed, and a wrong one is named together with what it should be."""

import base64
import json
import threading
from dataclasses import fields
from pathlib import Path

import pytest

from linli.server import env


def test_an_empty_environment_gives_an_instance_of_its_own_in_this_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    read = env.load({"LINLI_PORT": "", "DATABASE_URL": " "})
    assert read.home == tmp_path / ".linli"
    assert read.embedded
    assert read.database_url.startswith("postgresql://linli@/linli?host=%2F")
    assert read.public_url == "http://127.0.0.1:8000"
    assert read.cipher == "aes"
    assert read.lodging_url == ""


def test_what_is_given_is_taken() -> None:
    read = env.load(
        {
            "DATABASE_URL": "postgresql://u:p@db.example/linli",
            "LINLI_PORT": "9000",
            "LINLI_HOST": "::",
            "LINLI_CIPHER": "sm4",
            "LINLI_PUBLIC_URL": "https://linli.example/",
            "LINLI_LODGING_URL": "https://platform.example/api/",
        }
    )
    assert not read.embedded
    assert read.database_url == "postgresql://u:p@db.example/linli"
    assert (read.port, read.cipher) == (9000, "sm4")
    assert (read.public_url, read.lodging_url) == ("https://linli.example", "https://platform.example/api")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LINLI_PORT", "eighty"),
        ("LINLI_PORT", "0"),
        ("LINLI_PORT", "65536"),
        ("LINLI_PORT", "-1"),
        ("LINLI_HOST", "here; rm"),
        ("LINLI_CIPHER", "rot13"),
        ("LINLI_PUBLIC_URL", "linli.example"),
        ("LINLI_LODGING_URL", "ftp://platform.example"),
        ("DATABASE_URL", "sqlite:///linli.db"),
        ("LINLI_SECRET_KEY", "short"),
        ("LINLI_PG_BIN", "/nowhere"),
    ],
)
def test_a_wrong_value_is_named_with_its_variable(name: str, value: str) -> None:
    with pytest.raises(env.BadEnvironment, match=name):
        env.load({name: value})


@pytest.mark.parametrize("name", ["DATABASE_URL", "LINLI_SECRET_KEY"])
def test_a_secret_is_not_repeated_in_the_complaint(name: str) -> None:
    with pytest.raises(env.BadEnvironment) as caught:
        env.load({name: "mysql:hunter2"})
    assert "hunter2" not in str(caught.value)


def test_secrets_stay_out_of_what_is_logged() -> None:
    read = env.load({"LINLI_SECRET_KEY": "k" * 40, "LINLI_LODGING_TOKEN": "token-1"})
    assert "kkkk" not in repr(read)
    assert "token-1" not in repr(read)


def test_a_first_start_draws_keys_that_only_we_can_read_and_later_starts_keep_them(tmp_path: Path) -> None:
    read = env.load({"LINLI_HOME": str(tmp_path / "home")})
    with pytest.raises(env.BadEnvironment, match="LINLI_SECRET_KEY"):
        _ = read.secret_key
    env.prepare_home(read)
    before = (read.secret_key, read.keyring.read_text())
    assert len(before[0]) >= 50
    for file in (read.secret_key_file, read.keyring):
        assert file.stat().st_mode & 0o777 == 0o600
    for directory in (read.boxes, read.logs):
        assert directory.stat().st_mode & 0o777 == 0o700
    env.prepare_home(read)
    assert (read.secret_key, read.keyring.read_text()) == before


def test_two_first_starts_at_once_agree_on_one_secret(tmp_path: Path) -> None:
    read = env.load({"LINLI_HOME": str(tmp_path / "home")})
    seen = []

    def start() -> None:
        env.prepare_home(read)
        seen.append(read.secret_key)

    starts = [threading.Thread(target=start) for _ in range(12)]
    for each in starts:
        each.start()
    for each in starts:
        each.join()
    assert len(seen) == 12
    assert len(set(seen)) == 1
    assert sorted(path.name for path in read.home.iterdir()) == ["boxes", "keyring.json", "logs", "secret.key"]


def test_keys_that_are_given_are_not_drawn(tmp_path: Path) -> None:
    given = {"LINLI_HOME": str(tmp_path), "LINLI_SECRET_KEY": "k" * 40, "LINLI_KEYRING": str(tmp_path / "elsewhere")}
    read = env.load(given)
    env.prepare_home(read)
    assert not read.secret_key_file.exists()
    assert not (tmp_path / "keyring.json").exists()
    assert read.keyring == tmp_path / "elsewhere"


def test_a_keyring_holds_32_byte_keys() -> None:
    ring = json.loads(json.dumps(env.new_keyring()))
    keys = [*ring["encryption"]["keys"].values(), *ring["signing"]["keys"].values(), ring["blind_index"]]
    assert {len(base64.b64decode(key)) for key in keys} == {32}
    assert len(set(keys)) == 3


def test_there_are_at_most_25_variables() -> None:
    assert len(fields(env.Env)) <= 25
