# settings.py
import urllib.request

ISSUER = "https://auth.example.com"

# simplejwt fetches the keys with urllib, whose User-Agent many zones refuse as a bot's (403, error code 1010).
opener = urllib.request.build_opener()
opener.addheaders = [("User-Agent", "my-api")]
urllib.request.install_opener(opener)

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework_simplejwt.authentication.JWTStatelessUserAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
}
SIMPLE_JWT = {
    "ALGORITHM": "ES256",
    "JWK_URL": ISSUER + "/.well-known/jwks.json",
    "ISSUER": ISSUER,
    "AUDIENCE": ISSUER,
    # Seconds. This machine's clock may be behind the service's; a new token then comes from the future.
    "LEEWAY": 5,
}
