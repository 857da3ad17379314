"""What a service with Django REST framework and simplejwt does: its own views to verify and to refresh."""

import uuid

import django
from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="a secret of the benchmark's own, of 32 bytes and more",
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "rest_framework"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    REST_FRAMEWORK={"DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"]},
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    LOGGING_CONFIG=None,
)
django.setup()

from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken  # noqa: E402
from rest_framework_simplejwt.views import TokenRefreshView, TokenVerifyView  # noqa: E402


def made(_request, kind, count):
    """JWTs for a measurement."""
    tokens = []
    for _ in range(count):
        token = AccessToken() if kind == "access" else RefreshToken()
        token["user_id"] = str(uuid.uuid4())
        tokens.append(str(token))
    return JsonResponse({"tokens": tokens})


urlpatterns = [
    path("api/token/verify/", TokenVerifyView.as_view()),
    path("api/token/refresh/", TokenRefreshView.as_view()),
    path("made/<str:kind>/<int:count>", made),
]


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


server = ThreadedWSGIServer(("127.0.0.1", 0), Quiet)
server.set_app(get_wsgi_application())
print(server.server_address[1], flush=True)
server.serve_forever()
