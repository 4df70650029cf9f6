"""Translates a sentence: python translate.py HOME MODEL_FOLDER. Everything stays on this machine."""

import sys

import cuba

home, model = sys.argv[1:3]
with cuba.open(home) as c:
    if not c.packs.list().packs:
        c.packs.add(model, direction=("en", "es"))
    for state in c.translate.stream("Good morning. Where is the hospital?", to="es"):
        print(f"{state.done}/{state.total} {state.text}")
    done = c.translate("Good morning.", to="es")
    print(done.text, f"({done.confidence.name.lower()} confidence, {done.engine})")
    try:
        c.translate("Good morning.", to="fr", from_="en")
    except cuba.CubaError as error:
        print(f"what a program would offer: {cuba.advice(error).value}")
