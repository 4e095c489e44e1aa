"""What may be written about people: plausible names, sexes, countries, documents that a person may show, passwords, sign-ins."""

import hashlib
import unicodedata
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from linli.documents import kinds, numbers
from linli.documents.problems import DocumentProblem
from linli.server.kernel.errors import Refusal

SEXES = ("male", "female", "unspecified")  # GB/T 2261.1: 1, 2, 9
BELONGS = ("mainland", "hmt", "foreign")
METHODS = ("typed", "ocr", "mrz", "reader", "eye", "certificate")
# 实有人口: registered here, floating (暂住), lodging with kin (寄住), from abroad (境外), not yet registered anywhere (未落户).
RESIDENCY_KINDS = ("registered", "floating", "lodging", "overseas", "unsettled")
LONGEST_NAME = 60  # a masked name fits the column, and the longest of real names fit too
LONGEST_USERNAME = 40
