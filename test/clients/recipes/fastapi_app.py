import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPBearer

from pyjwt import claims_of  # pyjwt.py of these recipes

bearer = HTTPBearer(auto_error=False)


def caller(sent=Depends(bearer)):
    """The claims of the access token that was sent; without a good one 401."""
    try:
        return claims_of(sent.credentials if sent else "")
    except jwt.PyJWTError:
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})


app = FastAPI()


@app.get("/me")
def me(claims=Depends(caller)):
    return {"user": claims["sub"]}
