"""What may not leave the machine, and the way back."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rclagent.llm import Masker

# Written in pieces: scanners of repositories would take them for real ones.
AWS = "AKIA" + "IOSFODNN7EXAMPLE"
OPENAI = "sk-proj-" + "Abc123Def456Ghi789Jkl0"
GITHUB = "ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789"
JWT = "eyJ" + "hbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0." + "dozjgNryP4J3jVmNHl0w5N"
PEM = "-----BEGIN RSA PRIVATE" + " KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE" + " KEY-----"

SENSITIVE = [
    (f"using {AWS} now", AWS, "key"),
    (f"key {OPENAI}, rejected", OPENAI, "key"),
    (f"remote: {GITHUB}", GITHUB, "key"),
    (f"loaded {PEM} from disk", PEM, "key"),
    (f"jwt {JWT} expired", JWT, "token"),
    ("Authorization: Bearer abc.def-123456", "abc.def-123456", "token"),
    ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz", "token"),
    ("Set-Cookie: sid=31d4d96e; Path=/; HttpOnly", "sid=31d4d96e; Path=/; HttpOnly", "cookie"),
    ("connect postgres://app:s3cr3t@db:5432/shop", "s3cr3t", "password"),
    ("redis://:hunter2@cache:6379", "hunter2", "password"),
    ("db_password=hunter2 retry=3", "hunter2", "secret"),
    ("\u0130\u212a DB_PASSWORD=hunter2", "hunter2", "secret"),  # longer, or ASCII, in lower case
    ('{"password": "hun ter"}', "hun", "secret"),
    ('{\\"api_key\\":\\"a1b2c3\\"}', "a1b2c3", "secret"),
    ("X-Api-Key: 0f9e8d7c", "0f9e8d7c", "secret"),
    ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG", "wJalrXUtnFEMI/K7MDENG", "secret"),
    ("csrf_token=4f9a0c1d2e3b", "4f9a0c1d2e3b", "token"),
    ("user jane.doe+test@mail.example.co.uk logged in", "jane.doe+test@mail.example.co.uk", "email"),
]
ADDRESSES = [
    ("connect to 10.20.30.40:8080 refused", "10.20.30.40", "ip"),
    ("from fe80::1ff:fe23:4567:890a port 22", "fe80::1ff:fe23:4567:890a", "ip"),
    ("peer [2001:db8::1]:443", "2001:db8::1", "ip"),
]
HARMLESS = [
    "Unexpected token: < in JSON at position 0",
    "token=<*> user=<*>",
    "GET /api/v1/cart 200 in 12.5 ms at 12:30:45.123",
    "trace 5a21e04ddfcbef97ac1b07a788855d7f span 0123456789abcdef",
    "http://ts-order-service:12031/order/refresh?x=1",
    "risk-free desk-lamp sky_high task-scheduler-worker-pool",
    "com.example.shop.PasswordEncoder.encode(PasswordEncoder.java:17)",
    "ts-basic-service-7d9c6c6b5f-abcde restarted; basic auth is on",
    "decorator @Transactional, a@b and @ alone",
]


def masker(salt: bytes = b"salt", *, addresses: bool = False) -> Masker:
    """A masker with its memory empty."""
    return Masker(salt, addresses=addresses)


@pytest.mark.parametrize(("text", "secret", "kind"), SENSITIVE)
def test_secrets_and_personal_data_are_masked_and_come_back(text: str, secret: str, kind: str) -> None:
    """The words around them stay."""
    mask = masker()
    before, after = text.split(secret)
    masked = mask.mask(text)
    assert masked.startswith(f"{before}masked-{kind}-")
    assert masked.endswith(after)
    assert secret not in masked
    assert mask.unmask(masked) == text


@pytest.mark.parametrize(("text", "address", "kind"), ADDRESSES)
def test_addresses_are_masked_by_choice(text: str, address: str, kind: str) -> None:
    """They may be what the diagnosis is about."""
    assert masker().mask(text) == text
    mask = masker(addresses=True)
    masked = mask.mask(text)
    assert f"masked-{kind}-" in masked
    assert address not in masked
    assert mask.unmask(masked) == text


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_alike_stays(text: str) -> None:
    """Evidence must not be lost for nothing."""
    assert masker(addresses=True).mask(text) == text


def test_the_same_text_has_the_same_stand_in_in_any_order() -> None:
    """Two maskers that see two addresses in opposite orders agree."""
    one, other = masker(), masker()
    texts = ["a@example.com", "b@example.com"]
    assert [one.mask(text) for text in texts] == [other.mask(text) for text in reversed(texts)][::-1]
    assert one.mask(texts[0]) != one.mask(texts[1])
    assert one.count == 2


def test_another_salt_gives_other_stand_ins() -> None:
    """What stands for an address known to others cannot be told by trying."""
    assert masker(b"one").mask("a@example.com") != masker(b"two").mask("a@example.com")


def test_a_stand_in_never_issued_stays() -> None:
    """A model may invent one."""
    assert masker().unmask("see masked-email-0123456789") == "see masked-email-0123456789"


def test_what_comes_back_into_json_does_not_break_it() -> None:
    """A private key has line breaks."""
    mask = masker()
    written = json.dumps({"why": mask.mask(f"found {PEM}")})
    assert json.loads(mask.unmask(written, in_json=True)) == {"why": f"found {PEM}"}


def test_values_as_of_json_are_masked_through_and_through() -> None:
    """Names of fields stay, and so does what is no text."""
    mask = masker()
    value = {"a@example.com": ["b@example.com", {"n": 1, "x": None}, ("c@example.com",)]}
    masked = mask.mask_all(value)
    assert list(masked) == ["a@example.com"]
    assert "b@example.com" not in str(masked)
    assert mask.unmask_all(masked) == {
        "a@example.com": ["b@example.com", {"n": 1, "x": None}, ["c@example.com"]]
    }


pieces = st.sampled_from(
    [
        *(text for text, _, _ in SENSITIVE + ADDRESSES),
        "\n",
        '"',
        "\\",
        "=",
        ":",
        "@",
        "password",
        "cookie: ",
        "é",
    ]
)


@given(st.lists(pieces | st.text(max_size=8), max_size=12).map("".join))
@example("postgres://u:password=x@h.example.com")
def test_any_text_comes_back_and_masking_twice_changes_nothing(text: str) -> None:
    """However secrets stand in each other."""
    mask = masker(addresses=True)
    masked = mask.mask(text)
    assert mask.unmask(masked) == text
    assert mask.unmask(mask.mask(masked)) == text


@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000,
        "eyJ" * 30_000,
        "eyJaaaaaa-" * 10_000,
        "eyJaaaaaa." * 10_000,
        "a.b@" * 25_000,
        "password" * 12_000,
        "://" * 30_000,
        "-----BEGIN PRIVATE" + " KEY-----" * 4_000,
        ":" * 100_000,
        "1." * 50_000,
        "token=" * 15_000,
        "sk-" * 30_000,
        "cookie " * 15_000,
    ],
)
def test_no_text_takes_long(text: str) -> None:
    """A hundred thousand hostile characters: a pattern that is not linear would not come to an end here."""
    mask = masker(addresses=True)
    assert mask.unmask(mask.mask(text)) == text
