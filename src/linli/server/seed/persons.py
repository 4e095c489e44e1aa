"""Fictional operators and residents with sound numbers; nobody alive is meant.

Names are a surname with a year of the sexagenary cycle (王甲子). Areas are ones in which the simulated guests are not born, so that
no guest ever shows the document of a resident.
"""

import random
from collections import Counter
from datetime import date, timedelta

from linli.documents.numbers import synthetic_resident_id, synthetic_uscc
from linli.server.lettings.actions import OperatorInput
from linli.server.people.actions import DocumentInput, HouseholdInput, PersonInput, ResidentInput
from linli.server.seed.plan import COMPANIES, DIVISION, INDIVIDUAL_BUSINESSES, OPERATORS

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭"
STEMS, BRANCHES = "甲乙丙丁戊己庚辛壬癸", "子丑寅卯辰巳午未申酉戌亥"
AREAS = ("510106", "510107", "510112", "510113", "511321", "511621")
TODAY = date(2026, 1, 1)  # the day these people are drawn for; only ages depend on it
RESIDENCY_KINDS, RESIDENCY_WEIGHTS = ("registered", "floating", "lodging"), (70, 25, 5)
SPOUSE, SON, DAUGHTER = "10", "20", "30"


class Persons:
    """This will draw one person after another, always the same ones in the same order."""

    def __init__(self, name: str) -> None:
        self._dice = random.Random(f"dongfang: {name}")
        self._drawn = 0
        self._sequences: Counter[tuple[str, date]] = Counter()
        # Operators and residents share days of birth and areas, but never a sequence number.
        self._offset = {"operators": 100, "residents": 400}[name]

    def draw(self, *, ages: tuple[int, int] = (22, 78), surname: str = "") -> tuple[PersonInput, DocumentInput]:
        """This will draw a person of an age in years within the bounds, with a resident ID."""
        dice = self._dice
        days = dice.randrange(ages[0] * 365 + 20, ages[1] * 365)
        birth, area = TODAY - timedelta(days=days), dice.choice(AREAS)
        sex = dice.choice(("male", "female"))
        year = self._drawn
        name = (surname or dice.choice(SURNAMES)) + STEMS[year % 10] + BRANCHES[year % 12]
        self._drawn += 1
        person = PersonInput(
            native_name=name,
            sex=sex,
            nationality="CHN",
            birth_date=birth,
            phone=f"154{dice.randrange(10**8):08d}" if ages[1] > 12 else None,
        )
        return person, DocumentInput(
            kind="resident_id", number=synthetic_resident_id(area, birth, self._sequence(area, birth, sex))
        )

    def household(self, dwelling_id: str, size: int) -> HouseholdInput:
        """This will draw a family of that size."""
        dice = self._dice
        surname = dice.choice(SURNAMES)
        kind = dice.choices(RESIDENCY_KINDS, RESIDENCY_WEIGHTS)[0]
        head = self.draw(ages=(30, 80), surname=surname)
        members = [_member(head, kind, "02")]
        if size > 1:
            members.append(_member(self.draw(ages=(28, 78)), kind, SPOUSE))
        for _ in range(size - 2):
            person = self.draw(ages=(1, 17), surname=surname)
            members.append(_member(person, kind, SON if person[0].sex == "male" else DAUGHTER))
        moved_in = TODAY - timedelta(days=dice.randrange(30, 15 * 365))
        return HouseholdInput(dwelling_id=dwelling_id, members=tuple(members), moved_in_date=moved_in)

    def _sequence(self, area: str, birth: date, sex: str) -> int:
        self._sequences[area, birth] += 1
        # GB 11643: odd for men, even for women.
        return self._offset + 2 * self._sequences[area, birth] + (1 if sex == "male" else 0)


def operators() -> tuple[OperatorInput, ...]:
    """This will draw the operators: companies first, then individual businesses, then natural persons."""
    people = Persons("operators")
    return tuple(_operator(at, people) for at in range(OPERATORS))


def _operator(at: int, people: Persons) -> OperatorInput:
    person, document = people.draw(ages=(24, 66))
    if at >= COMPANIES + INDIVIDUAL_BUSINESSES:
        return OperatorInput(kind="natural", person=person, document=document, phone=person.phone, licence="pending")
    company = at < COMPANIES
    sign = STEMS[at % 10] + BRANCHES[at % 12]
    name = f"成都{sign}{at + 1:03d}号民宿管理有限公司" if company else f"成华区{sign}{at + 1:03d}号民宿"
    return OperatorInput(
        kind="company" if company else "individual_business",
        name=name,
        uscc=synthetic_uscc("91" if company else "92", DIVISION, 500_000 + at),
        person=person,
        document=document,
        phone=person.phone,
        licence="held",
    )


def _member(person: tuple[PersonInput, DocumentInput], kind: str, relation: str) -> ResidentInput:
    return ResidentInput(person=person[0], document=person[1], kind=kind, relation=relation)
