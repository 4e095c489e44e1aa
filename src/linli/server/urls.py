"""Every address: the API, and the built fronts, which whitenoise serves from `fronts/`."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import include, path, re_path

from linli.server.api import api

UNBUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Linli 邻里</title><style>body{font:18px/1.6 system-ui;max-width:36rem;margin:15vh auto;padding:0 1rem}</style>
<h1>Linli 邻里</h1><p>页面尚未构建。请安装 Node ≥ 20 后运行 <code>make setup</code>。接口可用：<a href="/api/docs">/api/docs</a></p>
<p>The pages have not been built. Install Node ≥ 20 and run <code>make setup</code>. The API works: <a href="/api/docs">/api/docs</a>.</p>
</html>"""


def home(request: HttpRequest) -> HttpResponse:
    """This will lead a person without a path to the console."""
    return HttpResponseRedirect("/console/")


def unbuilt(request: HttpRequest) -> HttpResponse:
    """This will say how to build the pages; it is reached only when whitenoise found none."""
    return HttpResponse(UNBUILT, status=503)


urlpatterns = [
    path("api/", api.urls),
    path("VIID/", include("linli.server.connectors.viid.urls")),
    path("", home),
    re_path(r"^(m|console)/?$", unbuilt),
]
