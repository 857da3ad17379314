import urllib.request

import jwt

ISSUER = "https://auth.example.com"

# PyJWT fetches the keys with urllib, whose User-Agent many zones refuse as a bot's (403, error code 1010).
# From PyJWT 2.7 on, PyJWKClient(url, headers={"User-Agent": "my-api"}) changes it for this client alone.
opener = urllib.request.build_opener()
opener.addheaders = [("User-Agent", "my-api")]
urllib.request.install_opener(opener)
keys = jwt.PyJWKClient(ISSUER + "/.well-known/jwks.json")


def claims_of(token):
    """The claims of an access token, or jwt.PyJWTError."""
    key = keys.get_signing_key_from_jwt(token).key
    claims = jwt.decode(
        token,
        key,
        algorithms=["ES256"],
        issuer=ISSUER,
        audience=ISSUER,
        # Seconds. This machine's clock may be behind the service's; a new token then comes from the future.
        leeway=5,
        options={"require": ["exp", "iat", "sub"]},
    )
    if jwt.get_unverified_header(token).get("typ") != "at+jwt":
        raise jwt.InvalidTokenError("not an access token")
    return claims
