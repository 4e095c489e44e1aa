"""Django as a WSGI application: the API, on threads."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "linli.server.settings")
application = get_wsgi_application()
