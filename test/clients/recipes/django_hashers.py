# settings.py of the old site, some weeks before the move. Django replaces a hash by one of the first hasher when its
# user logs in, so those of the others, which cannot be imported at the size of 100 MiB, become fewer.
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
]
