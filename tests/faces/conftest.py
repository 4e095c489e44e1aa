"""The engine with its real models. They are fetched once; a machine that cannot fetch them fails, it does not skip."""

import os

import numpy
import pytest

from linli.faces import fetching, models
from linli.faces.engine import Engine
from linli.faces.gallery import LENGTH, Template

MODELS_HOME = models.home()
MODEL = "fr_feature-87aacdfe"


@pytest.fixture(scope="session")
def faces_home():
    if os.environ.get("LINLI_TEST_NO_FACES") == "1":
        pytest.skip("LINLI_TEST_NO_FACES=1")
    fetching.fetch(MODELS_HOME)
    return MODELS_HOME


@pytest.fixture(scope="session")
def engine(faces_home):
    return Engine(registry=models.load(faces_home))


def a_vector(seed):
    vector = numpy.random.default_rng(seed).normal(size=LENGTH)
    return (vector / numpy.linalg.norm(vector)).astype(numpy.float32)


def a_template(id, seed, *, model=MODEL, holder=""):
    return Template(id=id, model=model, vector=a_vector(seed), holder=holder)


def near(template, cosine, *, id="seen", seed=5001):
    """A template whose cosine with another is as wanted."""
    other = a_vector(seed)
    aside = other - (other @ template.vector) * template.vector
    aside /= numpy.linalg.norm(aside)
    vector = cosine * template.vector + numpy.sqrt(1 - cosine**2) * aside
    return Template(id=id, model=template.model, vector=vector)
