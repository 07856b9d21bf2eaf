"""The samples, and every golden that loads, fit etc/weft.schema.json; misspelt keys do not."""

import glob
import json
import sys

import jsonschema
import yaml


def load(path):
    with open(path, "rb") as f:
        return yaml.safe_load(f)


def main(src):
    with open(f"{src}/etc/weft.schema.json", encoding="utf-8") as f:
        schema = json.load(f)
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    bad = 0
    for path in sorted(glob.glob(f"{src}/etc/*.yaml") + glob.glob(f"{src}/tests/conf/*.yaml")):
        try:
            with open(path[:-5] + ".ok", encoding="utf-8") as f:
                if "---\n" not in f.read():
                    continue
        except FileNotFoundError:
            pass
        for e in validator.iter_errors(load(path)):
            print(f"{path}: {e.json_path}: {e.message}")
            bad += 1
    doc = load(f"{src}/etc/weft.yaml")
    doc["peers"][0]["pearIP"] = "10.0.0.1"
    if validator.is_valid(doc):
        print("a misspelt key fits the schema")
        bad += 1
    return bad > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
