"""Fictional people, the same for the same seed and index, with sound documents: nobody alive is meant.

Names say so: a Chinese surname with a year of the sexagenary cycle (王甲子), or a word for "specimen" with letters of
the spelling alphabet (MUSTER ALFA BRAVO).
Every document number is unique per index, and passes the checks of `linli.documents`.
"""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from linli.documents.mrz import check_digit
from linli.documents.numbers import Sex, synthetic_resident_id

FAMILIES = """
王 WANG  李 LI    张 ZHANG 刘 LIU  陈 CHEN  杨 YANG  赵 ZHAO 黄 HUANG 周 ZHOU 吴 WU   徐 XU   孙 SUN  胡 HU
朱 ZHU   高 GAO   林 LIN   何 HE   郭 GUO   马 MA    罗 LUO  梁 LIANG 宋 SONG 郑 ZHENG 谢 XIE  韩 HAN  唐 TANG
冯 FENG  于 YU    董 DONG  萧 XIAO 程 CHENG 曹 CAO   袁 YUAN 邓 DENG  许 XU   傅 FU   沈 SHEN 曾 ZENG 彭 PENG
"""
SURNAMES = tuple(re.findall(r"(\S) ([A-Z]+)", FAMILIES))
STEMS = tuple(re.findall(r"(\S) ([A-Z]+)", "甲 JIA 乙 YI 丙 BING 丁 DING 戊 WU 己 JI 庚 GENG 辛 XIN 壬 REN 癸 GUI"))
BRANCHES = tuple(
    re.findall(r"(\S) ([A-Z]+)", "子 ZI 丑 CHOU 寅 YIN 卯 MAO 辰 CHEN 巳 SI 午 WU 未 WEI 申 SHEN 酉 YOU 戌 XU 亥 HAI")
)
SPECIMENS: Mapping[str, tuple[str, ...]] = {
    "USA": ("SAMPLE", "SPECIMEN"),
    "GBR": ("SPECIMEN", "EXAMPLE"),
    "DEU": ("MUSTER", "MUSTERMANN"),
    "FRA": ("EXEMPLE", "MODELE"),
    "ESP": ("MUESTRA", "EJEMPLO"),
    "ITA": ("ESEMPIO", "PROVA"),
    "JPN": ("MIHON", "REI"),
    "KOR": ("GYEONBON", "BOGI"),
    "RUS": ("OBRAZETS", "PRIMER"),
    "THA": ("TUAYANG", "SPECIMEN"),
    "VNM": ("MAU", "VIDU"),
    "NLD": ("VOORBEELD", "SPECIMEN"),
}
ALPHABET = """
ALFA BRAVO CHARLIE DELTA ECHO FOXTROT GOLF HOTEL INDIA JULIETT KILO LIMA MIKE NOVEMBER OSCAR PAPA QUEBEC ROMEO SIERRA
TANGO UNIFORM VICTOR WHISKEY XRAY YANKEE ZULU
"""
LETTERS = tuple(re.findall(r"[A-Z]+", ALPHABET))
AREAS = ("510108", "510104", "500103", "420106", "440305", "330106", "320102", "110105", "310104", "610113")
KINDS = ("mainland", "mainland_minor", "hong_kong", "macao", "taiwan", "foreign")
SHARES = (84, 5, 2, 1, 2, 6)
ADULT_DAYS = (18 * 366, 80 * 365)
MINOR_DAYS = (4 * 365, 17 * 365)
NUMBERS = 9_999_991  # a prime below 10^7: stepping through it meets every number once
STEP = 48_271


@dataclass(frozen=True, slots=True, kw_only=True)
class FictionalPerson:
    """Somebody who does not exist, with one document. Document types are the keys of `linli.documents.kinds`."""

    index: int
    kind: str
    native_name: str
    surname: str
    given_names: str
    sex: Sex
    birth_date: date
    nationality: str
    document_type: str
    document_number: str
    issuing_country: str
    valid_until: date
    mrz: tuple[str, ...]
    phone: str

    @property
    def latin_name(self) -> str:
        """This will write the name as a passport does: surname first."""
        return f"{self.surname} {self.given_names}"

    def as_json(self) -> dict[str, object]:
        """This will give the person in the words of `POST /api/registration/guests`, without the booking's part."""
        return {
            "native_name": self.native_name,
            "latin_name": self.latin_name,
            "sex": self.sex.value,
            "birth_date": self.birth_date.isoformat(),
            "nationality": self.nationality,
            "document": {
                "type": self.document_type,
                "number": self.document_number,
                "issuing_country": self.issuing_country,
                "valid_until": self.valid_until.isoformat(),
                "mrz": "\n".join(self.mrz) or None,
            },
            "phone": self.phone,
        }


def person(*, index: int, seed: int, today: date, kind: str | None = None) -> FictionalPerson:
    """This will make the fictional person of an index: one of KINDS, or a likely mixture when none is asked for.

    Ages and validity are counted from `today`. Raises ValueError for an index of 10^7 and above.
    """
    if not 0 <= index < NUMBERS:
        raise ValueError(f"no fictional person has the index {index}")
    dice = random.Random(f"{seed}/{index}")
    drawn = dice.choices(KINDS, weights=SHARES)[0]
    unique = (index * STEP + seed * 7919) % NUMBERS
    return MAKERS[kind or drawn](index=index, unique=unique, dice=dice, today=today)


def passport_zone(
    *,
    state: str,
    surname: str,
    given_names: str,
    number: str,
    nationality: str,
    birth_date: date,
    sex: Sex,
    valid_until: date,
) -> tuple[str, str]:
    """This will write the machine-readable zone of a passport (ICAO 9303 part 4, TD3) with its five check digits."""
    names = f"{surname}<<{given_names}".replace(" ", "<").replace("-", "<").replace("'", "")
    upper = f"P<{state}{names}"[:44].ljust(44, "<")
    document = number.ljust(9, "<")
    letter = {Sex.MALE: "M", Sex.FEMALE: "F", Sex.UNSPECIFIED: "<"}[sex]
    document += check_digit(document)
    birth, expiry = (f"{day:%y%m%d}" + check_digit(f"{day:%y%m%d}") for day in (birth_date, valid_until))
    optional = "<" * 14 + "0"
    whole = check_digit(document + birth + expiry + optional)
    return upper, f"{document}{nationality}{birth}{letter}{expiry}{optional}{whole}"


def _mainland(*, index: int, unique: int, dice: random.Random, today: date) -> FictionalPerson:
    return _with_resident_card(index=index, kind="mainland", days=ADULT_DAYS, unique=unique, dice=dice, today=today)


def _mainland_minor(*, index: int, unique: int, dice: random.Random, today: date) -> FictionalPerson:
    return _with_resident_card(
        index=index, kind="mainland_minor", days=MINOR_DAYS, unique=unique, dice=dice, today=today
    )


def _with_resident_card(
    *, index: int, kind: str, days: tuple[int, int], unique: int, dice: random.Random, today: date
) -> FictionalPerson:
    # The day and the sequence are the two halves of the unique number, so that no two indices share a card.
    span = days[1] - days[0]
    rest, day = divmod(unique, span)
    sequence, area = divmod(rest, len(AREAS))
    birth = today - timedelta(days=days[0] + day)
    sex = Sex.MALE if sequence % 2 == 0 else Sex.FEMALE
    native, surname, given = _chinese_name(dice)
    return FictionalPerson(
        index=index,
        kind=kind,
        native_name=native,
        surname=surname,
        given_names=given,
        sex=sex,
        birth_date=birth,
        nationality="CHN",
        document_type="resident_id",
        document_number=synthetic_resident_id(AREAS[area], birth, sequence + 1),
        issuing_country="CHN",
        valid_until=today + timedelta(days=dice.randrange(200, 3000)),
        mrz=(),
        phone=_mainland_phone(unique),
    )


def _hong_kong(*, index: int, unique: int, dice: random.Random, today: date) -> FictionalPerson:
    return _with_permit(index=index, kind="hong_kong", region="HKG", number=f"H{unique:08d}", dice=dice, today=today)


def _macao(*, index: int, unique: int, dice: random.Random, today: date) -> FictionalPerson:
    return _with_permit(index=index, kind="macao", region="MAC", number=f"M{unique:08d}", dice=dice, today=today)


def _taiwan(*, index: int, unique: int, dice: random.Random, today: date) -> FictionalPerson:
    return _with_permit(index=index, kind="taiwan", region="TWN", number=f"{unique:08d}", dice=dice, today=today)


def _with_permit(
    *, index: int, kind: str, region: str, number: str, dice: random.Random, today: date
) -> FictionalPerson:
    native, surname, given = _chinese_name(dice)
    return FictionalPerson(
        index=index,
        kind=kind,
        native_name=native,
        surname=surname,
        given_names=given,
        sex=dice.choice((Sex.MALE, Sex.FEMALE)),
        birth_date=today - timedelta(days=dice.randrange(*ADULT_DAYS)),
        nationality=region,
        document_type="taiwan_permit" if region == "TWN" else "hk_macao_permit",
        document_number=number,
        issuing_country="CHN",
        valid_until=today + timedelta(days=dice.randrange(200, 1800)),
        mrz=(),
        phone=PHONES_ABROAD[region].format(dice.randrange(1_000_000)),
    )


def _foreign(*, index: int, unique: int, dice: random.Random, today: date) -> FictionalPerson:
    country = dice.choice(tuple(SPECIMENS))
    surname = dice.choice(SPECIMENS[country])
    given = " ".join(dice.sample(LETTERS, 2))
    sex = dice.choice((Sex.MALE, Sex.FEMALE))
    birth = today - timedelta(days=dice.randrange(*ADULT_DAYS))
    until = today + timedelta(days=dice.randrange(200, 3000))
    state = MRZ_STATES.get(country, country)
    number = f"X{unique:08d}"
    return FictionalPerson(
        index=index,
        kind="foreign",
        native_name=f"{given.title()} {surname.title()}",
        surname=surname,
        given_names=given,
        sex=sex,
        birth_date=birth,
        nationality=country,
        document_type="foreign_passport",
        document_number=number,
        issuing_country=country,
        valid_until=until,
        mrz=passport_zone(
            state=state,
            surname=surname,
            given_names=given,
            number=number,
            nationality=state,
            birth_date=birth,
            sex=sex,
            valid_until=until,
        ),
        phone=f"+1202555{dice.randrange(100, 200):04d}",
    )


def _chinese_name(dice: random.Random) -> tuple[str, str, str]:
    # The cycle pairs stems and branches of equal parity: sixty years, sixty given names.
    year = dice.randrange(60)
    (family, family_latin), stem, branch = dice.choice(SURNAMES), STEMS[year % 10], BRANCHES[year % 12]
    return family + stem[0] + branch[0], family_latin, stem[1] + branch[1]


def _mainland_phone(unique: int) -> str:
    return f"190{unique:08d}"


PHONES_ABROAD: Mapping[str, str] = {"HKG": "+85255{:06d}", "MAC": "+85366{:06d}", "TWN": "+886900{:06d}"}
MRZ_STATES: Mapping[str, str] = {"DEU": "D<<"}
MAKERS = {
    "mainland": _mainland,
    "mainland_minor": _mainland_minor,
    "hong_kong": _hong_kong,
    "macao": _macao,
    "taiwan": _taiwan,
    "foreign": _foreign,
}
