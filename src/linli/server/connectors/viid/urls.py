"""Where our view library is: `/VIID/…`, on the same port as everything else."""

from django.urls import path

from linli.server.connectors.viid.server import serve

urlpatterns = [path("<path:rest>", serve)]
