"""Django's settings for the type checker, which reads the models on machines where no instance was ever started."""

import os

os.environ.setdefault("LINLI_SECRET_KEY", "only-for-reading-the-settings-of-a-tree-at-rest")

from linli.server.settings import *  # noqa: F403
