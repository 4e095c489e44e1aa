"""Django's settings. What differs between machines comes from `env.py`; policy is data in the domains."""

from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from linli.server import env

ENV = env.load()
HERE = Path(__file__).parent

SECRET_KEY = ENV.secret_key
DEBUG = False
ALLOWED_HOSTS = ["*"]
CSRF_TRUSTED_ORIGINS = [ENV.public_url]
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
ROOT_URLCONF = "linli.server.urls"
WSGI_APPLICATION = "linli.server.wsgi.application"
APPEND_SLASH = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024
# A picture of a person or a document lives in memory only: Django's other handler would write a large one to the disk.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = 24 * 1024 * 1024

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "procrastinate.contrib.django",
    "linli.server.kernel",
    "linli.server.privacy",
    "linli.server.places",
    "linli.server.people",
    "linli.server.lettings",
    "linli.server.access",
    "linli.server.stays",
    "linli.server.connectors",
]

MIDDLEWARE = [
    "linli.server.kernel.headers.SecurityHeaders",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]

# The built fronts; a clone without Node has none, and urls.py then shows how to build them.
WHITENOISE_ROOT = HERE / "fronts"
WHITENOISE_INDEX_FILE = True
WHITENOISE_MAX_AGE = 300
STATIC_URL = "/static/"

AUTH_USER_MODEL = "people.Account"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = ENV.public_url.startswith("https://")
CSRF_COOKIE_SAMESITE = "Lax"


def _database(address: str) -> dict[str, object]:
    parts = urlsplit(address)
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", unquote(parts.hostname or "")),
        "PORT": options.pop("port", str(parts.port or "")),
        # A pooled connection that died with a restarted database is found out before it is used.
        "CONN_HEALTH_CHECKS": True,
        # Plans are kept by the connection: a check-in asks the same forty questions every time.
        "OPTIONS": {
            "server_side_binding": True,
            "prepare_threshold": 5,
            **options,
            "pool": {"min_size": 1, "max_size": 24, "timeout": 15},
        },
    }


DATABASES = {"default": _database(ENV.database_url)}

LINLI_KEYRING = ENV.keyring
LINLI_CIPHER = ENV.cipher
LINLI_PUBLIC_URL = ENV.public_url
LINLI_NEARBY_FEEDS = ENV.nearby_feeds

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
}
