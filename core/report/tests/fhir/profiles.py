"""Writes the constraints of the International Patient Summary, HL7 FHIR IPS 2.0.1, as structure definitions.

    python3 profiles.py DIR

Said anew from the guide's own text, differentials only, for what the card can hold; the validator builds the whole
structures from HL7's R4 definitions. Bindings to code systems that no offline validator has (SNOMED CT, LOINC) are
left out. With the guide's package at hand, give its folder to `scripts/check-card` instead.
"""

import json
import sys
from pathlib import Path

BASE = "http://hl7.org/fhir/uv/ips/StructureDefinition/"
CORE = "http://hl7.org/fhir/StructureDefinition/"
LOINC = "http://loinc.org"


def reference(*profiles):
    return [{"code": "Reference", "targetProfile": [p if ":" in p else BASE + p for p in profiles]}]


def core(*names):
    return reference(*[CORE + n for n in names])


def pattern(system, code):
    return {"patternCodeableConcept": {"coding": [{"system": system, "code": code}]}}


def sliced(kind, path):
    return {"slicing": {"discriminator": [{"type": kind, "path": path}], "rules": "open"}}


def section(name, code, types, entry=None, required=False):
    """One section of the composition: where it stands, its code, and what it may refer to."""
    base = f"section:{name}"
    told = {
        "key": "ips-comp-1",
        "severity": "error",
        "human": "A section that has no entry says why it is empty.",
        "expression": "entry.exists() or emptyReason.exists()",
        "source": BASE + "Composition-uv-ips",
    }
    yield base, {"sliceName": name, "min": int(required), "max": "1"} | ({"constraint": [told]} if required else {})
    yield f"{base}.title", {"min": 1}
    yield f"{base}.code", {"min": 1} | pattern(LOINC, code)
    yield f"{base}.entry", {"type": core(*types, "DocumentReference")} | (sliced("profile", "resolve()") if entry else {})
    if entry:
        yield f"{base}.entry:{entry[0]}", {"sliceName": entry[0], "type": reference(entry[1])}


def bundle():
    yield "", {
        "constraint": [
            {
                "key": "bdl-ips-1",
                "severity": "error",
                "human": "The first entry is the composition.",
                "expression": "entry.first().resource.is(Composition)",
                "source": BASE + "Bundle-uv-ips",
            }
        ]
    }
    yield "identifier", {"min": 1}
    yield "type", {"fixedCode": "document"}
    yield "timestamp", {"min": 1}
    yield "entry", sliced("profile", "resource")
    yield "entry.fullUrl", {"min": 1}
    for absent in ("search", "request", "response"):
        yield f"entry.{absent}", {"max": "0"}
    for name, kind, profile, least, most in [
        ("composition", "Composition", "Composition-uv-ips", 1, "1"),
        ("patient", "Patient", "Patient-uv-ips", 1, "1"),
        ("allergyintolerance", "AllergyIntolerance", "AllergyIntolerance-uv-ips", 0, "*"),
        ("condition", "Condition", "Condition-uv-ips", 0, "*"),
        ("medicationstatement", "MedicationStatement", "MedicationStatement-uv-ips", 0, "*"),
        ("practitioner", "Practitioner", "Practitioner-uv-ips", 0, "*"),
        ("results", "Observation", "Observation-results-laboratory-pathology-uv-ips", 0, "*"),
        ("vitalsigns", "Observation", CORE + "vitalsigns", 0, "*"),
    ]:
        profile = profile if ":" in profile else BASE + profile
        yield f"entry:{name}", {"sliceName": name, "min": least, "max": most}
        yield f"entry:{name}.resource", {"min": 1, "type": [{"code": kind, "profile": [profile]}]}


def composition():
    yield "identifier", {"min": 0}
    yield "type", pattern(LOINC, "60591-5")
    yield "subject", {"min": 1, "type": reference("Patient-uv-ips")}
    yield "subject.reference", {"min": 1}
    yield "section", {"min": 1} | sliced("pattern", "code")
    yield "section.text", {"min": 1}
    yield "section.section", {"max": "0"}
    medications = ["MedicationStatement", "MedicationRequest", "MedicationAdministration", "MedicationDispense"]
    yield from section(
        "sectionMedications", "10160-0", medications, ("medicationStatement", "MedicationStatement-uv-ips"), True
    )
    yield from section(
        "sectionAllergies", "48765-2", ["AllergyIntolerance"], ("allergyOrIntolerance", "AllergyIntolerance-uv-ips"), True
    )
    yield from section("sectionProblems", "11450-4", ["Condition"], ("problem", "Condition-uv-ips"), True)
    yield from section("sectionResults", "30954-2", ["Observation", "DiagnosticReport"])
    yield from section("sectionVitalSigns", "8716-3", ["Observation"])


def patient():
    told = {
        "key": "ips-pat-1",
        "severity": "error",
        "human": "A name has a given name, a family name or a text.",
        "expression": "given.exists() or family.exists() or text.exists()",
        "source": BASE + "Patient-uv-ips",
    }
    yield "name", {"min": 1, "constraint": [told]}
    yield "birthDate", {"min": 1}


def of_patient(path):
    yield path, {"min": 1, "type": reference("Patient-uv-ips")}
    yield f"{path}.reference", {"min": 1}


def allergy():
    yield "code", {"min": 1}
    yield from of_patient("patient")


def condition():
    yield "code", {"min": 1}
    yield from of_patient("subject")


def medication():
    yield from of_patient("subject")
    yield "effective[x]", {"min": 1}


def result():
    category = "http://terminology.hl7.org/CodeSystem/observation-category"
    yield "category", {"min": 1} | sliced("pattern", "$this")
    yield "category:laboratory", {"sliceName": "laboratory", "min": 1, "max": "1"} | pattern(category, "laboratory")
    yield from of_patient("subject")
    yield "effective[x]", {"min": 1, "type": [{"code": "dateTime"}, {"code": "Period"}]}
    yield "performer", {"min": 1, "type": reference("Practitioner-uv-ips", "Patient-uv-ips")}


def practitioner():
    yield "name", {"min": 1}


PROFILES = {
    "Bundle-uv-ips": ("Bundle", bundle),
    "Composition-uv-ips": ("Composition", composition),
    "Patient-uv-ips": ("Patient", patient),
    "Practitioner-uv-ips": ("Practitioner", practitioner),
    "AllergyIntolerance-uv-ips": ("AllergyIntolerance", allergy),
    "Condition-uv-ips": ("Condition", condition),
    "MedicationStatement-uv-ips": ("MedicationStatement", medication),
    "Observation-results-laboratory-pathology-uv-ips": ("Observation", result),
}


def definition(name, kind, elements):
    rows = []
    for path, rule in elements:
        full = f"{kind}.{path}" if path else kind
        plain = ".".join(part.split(":")[0] for part in full.split("."))
        rows.append({"id": full, "path": plain} | rule)
    if rows[0]["id"] != kind:
        rows.insert(0, {"id": kind, "path": kind})
    parent = CORE + ("clinicaldocument" if kind == "Composition" else kind)
    return {
        "resourceType": "StructureDefinition",
        "id": name,
        "url": BASE + name,
        "version": "2.0.1",
        "name": name.replace("-", ""),
        "status": "active",
        "fhirVersion": "4.0.1",
        "kind": "resource",
        "abstract": False,
        "type": kind,
        "baseDefinition": parent,
        "derivation": "constraint",
        "differential": {"element": rows},
    }


def main():
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for name, (kind, elements) in PROFILES.items():
        (out / f"StructureDefinition-{name}.json").write_text(json.dumps(definition(name, kind, elements()), indent=1))


if __name__ == "__main__":
    main()
