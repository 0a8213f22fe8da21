"""What runs, and which settings it gets: the one place to extend.

SETTINGS is a table of (name, who gets it, value). The value is a function of the stack and the process, or a text.
Values that must survive a restart (ports, passwords, keys) come from stack.secret() and stack.port().
"""

SERVICES = ("catalog", "cart", "checkout", "payment", "order", "fulfilment", "notification")
GATEWAYS = ("storefront", "backoffice", "integration")
SANDBOXES = ("psp-sandbox", "carrier-sandbox")
PROGRAMS = SERVICES + GATEWAYS + SANDBOXES

# The first copy of each gateway listens here under `make run`; tests use free ports.
GATEWAY_PORTS = {"storefront": 8080, "backoffice": 8081, "integration": 8082}

# A key is made for each: the name of the staff key and its rights.
STAFF = {
    "clerk": "carts orders",
    "warehouse": "stock shipping",
    "finance": "orders payments",
    "admin": "admin",  # every right
}
PARTNERS = {"erp": "catalog stock orders", "oms": "orders"}

# What writes or reads topics; and who has a user at the broker: these, and partners, who read the public ones.
KAFKA_PROGRAMS = (*SERVICES, "storefront")
KAFKA_USERS = (*KAFKA_PROGRAMS, *PARTNERS)


def program_file(program):
    """The file name of a program in build/VARIANT/bin."""
    return program if program in SANDBOXES else f"waybill-{program}"


def database_roles():
    """(role, database, variable with its password for deploy/postgres/init.sh) by who uses it."""
    roles = {name: (f"waybill_{name}", "waybill", f"WAYBILL_PASSWORD_{name.upper()}") for name in SERVICES}
    for sandbox in SANDBOXES:
        name = sandbox.removesuffix("-sandbox")
        roles[sandbox] = (f"sandbox_{name}", "sandbox", f"WAYBILL_PASSWORD_SANDBOX_{name.upper()}")
    roles["test"] = ("waybill_test", "waybill_test", "WAYBILL_PASSWORD_TEST")
    return roles


def databases(dsns):
    """What tools are told by that look into many databases: where those are, by whose they are."""
    return {f"WAYBILL_{name.upper().replace('-', '_')}_DATABASE": dsn for name, dsn in dsns.items()}


def keys(stack, kind, entries):
    """"name:right right:key,..." with a key for each entry."""
    return ",".join(f"{name}:{rights}:{stack.secret(f'{kind} key {name}')}" for name, rights in entries.items())


def kafka_password(stack, user):
    """The password of a user of the broker, "admin" too."""
    return stack.secret(f"kafka password {user}")


KAFKA_SETTINGS = ("WAYBILL_KAFKA", "WAYBILL_KAFKA_SECURITY", "WAYBILL_KAFKA_SASL_MECHANISM",
                  "WAYBILL_KAFKA_SASL_USERNAME", "WAYBILL_KAFKA_SASL_PASSWORD")


def kafka_settings(stack, user):
    """What a program needs to know to reach the broker as this user."""
    return dict(zip(KAFKA_SETTINGS,
                    (stack.kafka_address, "sasl_plaintext", "PLAIN", user, kafka_password(stack, user))))


def urls(program):
    """A setting's value: the addresses of all copies of a program."""
    return lambda stack, process: ",".join(stack.urls(program))


def secret(name):
    """A setting's value: 64 hexadecimal digits, made once."""
    return lambda stack, process: stack.secret(name)


PSP = ("payment", "integration", "psp-sandbox")
CARRIER = ("fulfilment", "integration", "carrier-sandbox")

SETTINGS = [
    ("WAYBILL_LISTEN", PROGRAMS, lambda stack, process: f"127.0.0.1:{process.port}"),
    ("WAYBILL_DATABASE", SERVICES + SANDBOXES, lambda stack, process: stack.dsn(process.program, near=True)),
    *((name, KAFKA_PROGRAMS, lambda stack, process, name=name: kafka_settings(stack, process.program)[name])
      for name in KAFKA_SETTINGS),
    ("WAYBILL_SHOP", SERVICES + GATEWAYS, "main"),
    ("WAYBILL_LOG", PROGRAMS, lambda stack, process: stack.log_level),
    ("WAYBILL_IDENTITY_KEY", SERVICES + GATEWAYS, secret("identity key")),
    ("WAYBILL_TOKEN_KEY", SERVICES + GATEWAYS, secret("token key")),
    *((f"WAYBILL_{name.upper()}_URL", GATEWAYS, urls(name)) for name in SERVICES),
    ("WAYBILL_STAFF_KEYS", ("backoffice",), lambda stack, process: keys(stack, "staff", STAFF)),
    ("WAYBILL_PARTNER_KEYS", ("integration",), lambda stack, process: keys(stack, "partner", PARTNERS)),
    ("WAYBILL_STOREFRONT_PUBLIC_URL", PROGRAMS, lambda stack, process: stack.urls("storefront")[0]),
    ("WAYBILL_BACKOFFICE_PUBLIC_URL", PROGRAMS, lambda stack, process: stack.urls("backoffice")[0]),
    ("WAYBILL_INTEGRATION_PUBLIC_URL", PROGRAMS, lambda stack, process: stack.urls("integration")[0]),
    ("WAYBILL_SMTP_URL", ("notification",), lambda stack, process: f"smtp://127.0.0.1:{stack.port('mail')}"),
    ("WAYBILL_MAIL_FROM", ("notification",), "shop@waybill.example"),
    ("WAYBILL_MERCHANT_MAIL", ("notification",), "merchant@waybill.example"),
    ("WAYBILL_PSP_URL", PSP, urls("psp-sandbox")),
    ("WAYBILL_PSP_KEY", PSP, lambda stack, process: "sk_test_" + stack.secret("psp key")),
    ("WAYBILL_PSP_WEBHOOK_SECRETS", PSP, lambda stack, process: ",".join(
        "whsec_" + stack.secret(f"psp webhook secret {which}") for which in ("new", "old"))),
    ("WAYBILL_CARRIER_URL", CARRIER, urls("carrier-sandbox")),
    ("WAYBILL_CARRIER_KEY", CARRIER, secret("carrier key")),
    ("WAYBILL_CARRIER_WEBHOOK_SECRETS", CARRIER, lambda stack, process: ",".join(
        stack.secret(f"carrier webhook secret {which}") for which in ("new", "old"))),
]


def settings_of(stack, process):
    """The environment of one process."""
    return {name: value(stack, process) if callable(value) else value
            for name, who, value in SETTINGS if process.program in who}


def public_environment(stack):
    """What people and tests need to reach the stack: the content of the file `environment`."""
    values = kafka_settings(stack, "admin") | {"WAYBILL_MAIL_FOLDER": str(stack.mail.inbox),
                                               "WAYBILL_SMTP_URL": f"smtp://127.0.0.1:{stack.port('mail')}"}
    for program in GATEWAYS + SERVICES + SANDBOXES:
        values[f"WAYBILL_{program.upper().replace('-', '_')}_URL"] = ",".join(stack.urls(program))
    values |= databases({who: stack.dsn(who) for who in database_roles()})
    for name in STAFF:
        values[f"WAYBILL_STAFF_KEY_{name.upper()}"] = stack.secret(f"staff key {name}")
    for name in PARTNERS:
        values[f"WAYBILL_PARTNER_KEY_{name.upper()}"] = stack.secret(f"partner key {name}")
    for name in ("admin", *KAFKA_USERS):
        values[f"WAYBILL_KAFKA_PASSWORD_{name.upper()}"] = kafka_password(stack, name)
    shared = ("WAYBILL_IDENTITY_KEY", "WAYBILL_TOKEN_KEY", "WAYBILL_PSP_KEY", "WAYBILL_PSP_WEBHOOK_SECRETS",
              "WAYBILL_CARRIER_KEY", "WAYBILL_CARRIER_WEBHOOK_SECRETS")
    for name, _, value in SETTINGS:
        if name in shared:
            values[name] = value(stack, None)
    return values
