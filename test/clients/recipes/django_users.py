# authentication.py, for a site whose table of users has integer ids. The service has USER_ID_CLAIM=external_id.
from django.contrib.auth import get_user_model
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed


class LatchkeyAuthentication(JWTAuthentication):
    """Users who were moved keep their row; someone who signed up at the service gets one, named by the uuid."""

    def get_user(self, validated_token):
        users = get_user_model().objects
        user_id = validated_token.get("user_id")
        if isinstance(user_id, int):
            user = users.filter(pk=user_id).first()
        else:
            user, _ = users.get_or_create(username=validated_token["sub"])
        if user is None or not user.is_active:
            raise AuthenticationFailed("User not found", code="user_not_found")
        return user


# settings.py, beside those of django.py
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["authentication.LatchkeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
}
