"""`edge-run trust`: whose bundles this machine takes."""

from __future__ import annotations

import json
from pathlib import Path

from edge_runtime.bundle.signers import SHORT
from edge_runtime.console import say, write
from edge_runtime.errors import UsageError
from edge_runtime.text import printable
from edge_runtime.trust.keys import read_public_key
from edge_runtime.trust.policy import (
    MAKER,
    MOST_KEYS,
    ROLES,
    Policy,
    TrustedKey,
    policy_to_change,
    write_policy,
)

OPTIONS = ("format=", "name=", "role=")
USAGE = """\
usage: edge-run trust list [--format F]
       edge-run trust add KEY.pub [--role maker|site] [--name NAME]
       edge-run trust remove KEY
       edge-run trust require yes|no

Whose bundles this machine takes. KEY is a file, a name, or an id as list shows
it. After require yes, no command takes a bundle unless trusted keys signed its
model and its decision; what is signed wrongly nobody takes in any case.

  --role R    maker (of models; unless told otherwise), or site: its key signs a
              decision that was fitted again (edge-kit threshold), nothing else
  --name N    what the key is called here; else the name of its file
  --format F  table, or json

The policy is for everybody here: /etc/edge-run/trust/policy.json, where root
adds keys or that folder is there; else it is this user's, in the folder of
settings. $EDGE_RUN_TRUST names another folder. See docs/trust.md.

Exit status: 0 done, 2 usage, 4 the policy was changed by others, 10 cannot
write.
"""
_ACTIONS = {"list": 0, "add": 1, "remove": 1, "require": 1}
_ONLY_FOR = {"role": "add", "name": "add", "format": "list"}
_ANSWERS = {"yes": True, "no": False}


def run(paths: list[str], options: dict[str, str]) -> int:
    """List the keys that are trusted, or change what is trusted."""
    action, *named = paths or [""]
    if _ACTIONS.get(action) != len(named):
        cure = "see edge-run trust --help"
        raise UsageError("trust", "not an action with what it takes", cure)
    for name, only in _ONLY_FOR.items():
        if name in options and action != only:
            raise UsageError(f"--{name}", f"is for {only}", "leave it out")
    path, policy = policy_to_change()
    if action == "list":
        write(_listed(path, policy, options.get("format", "table")))
        return 0
    if action == "add":
        policy = _with_key(policy, named[0], options)
    elif action == "remove":
        policy = _without(policy, named[0])
    else:
        policy = _requiring(policy, named[0])
    write_policy(path, policy)
    say(f"edge-run: {path}: {_words(policy)}")
    return 0


def _with_key(policy: Policy, file: str, options: dict[str, str]) -> Policy:
    """Return the policy with one more key, which may be there with another name or role."""
    role, name = options.get("role", MAKER), options.get("name", Path(file).stem)
    if role not in ROLES:
        raise UsageError("--role", f"{role!r} is none", f"one of: {', '.join(ROLES)}")
    if not (1 <= len(name) <= SHORT * 4 and name.isprintable()):
        raise UsageError("--name", f"{name!r} is no name", "give 1 to 64 printable characters")
    key = read_public_key(file)
    others = [other for other in policy.keys if other.id != key.id]
    if name in [other.name for other in others]:
        raise UsageError("--name", f"another key is called {name!r}", "add --name with another")
    if len(others) >= MOST_KEYS:
        raise UsageError("trust", f"has {MOST_KEYS} keys, and takes no more", "remove one")
    keys = sorted([*others, TrustedKey(name=name, role=role, key=key)], key=lambda key: key.name)
    say(f"edge-run: {name}, {role}: key {key.id}")
    return Policy(format=1, required=policy.required, keys=tuple(keys))


def _without(policy: Policy, text: str) -> Policy:
    """Return the policy without the key of a file, a name or an id.

    Raises:
        UsageError: none is, or several are, called so.
    """
    named = [key for key in policy.keys if key.name == text]
    named = named or [key for key in policy.keys if len(text) >= 8 and key.id.startswith(text)]
    if not named and Path(text).is_file():
        file = read_public_key(text)
        named = [key for key in policy.keys if key.id == file.id]
    if len(named) != 1:
        cure = f"one of: {', '.join(key.name for key in policy.keys)}" if policy.keys else ""
        raise UsageError(text, "is no key that is trusted here", cure or "none is")
    kept = tuple(key for key in policy.keys if key is not named[0])
    return Policy(format=1, required=policy.required, keys=kept)


def _requiring(policy: Policy, answer: str) -> Policy:
    if answer not in _ANSWERS:
        raise UsageError("require", f"{answer!r} is no answer", "one of: yes, no")
    return Policy(format=1, required=_ANSWERS[answer], keys=policy.keys)


def _words(policy: Policy) -> str:
    """Return in words what holds from now on."""
    keys = "1 key is trusted" if len(policy.keys) == 1 else f"{len(policy.keys)} keys are trusted"
    if not policy.required:
        asked = "bundles without a signature are taken, too; to refuse them: edge-run trust require"
        return f"{keys}; {asked} yes"
    if not any(key.role == MAKER for key in policy.keys):
        return f"{keys}, none of a maker, and signatures are required: no bundle is taken"
    return f"{keys}, and signatures are required"


def _listed(path: Path, policy: Policy, form: str) -> str:
    """Return the policy as a table for people, or as JSON."""
    if form == "json":
        keys = [{"id": key.id, "name": key.name, "role": key.role} for key in policy.keys]
        content = {"policy": str(path), "required": policy.required, "keys": keys}
        return json.dumps(content, indent=2) + "\n"
    if form != "table":
        raise UsageError("--format", f"{form!r} is not known here", "one of: table, json")
    lines = [f"{key.id[:SHORT]}  {key.role:<5}  {printable(key.name)}\n" for key in policy.keys]
    return "".join([*lines, f"{printable(str(path))}: {_words(policy)}\n"])
