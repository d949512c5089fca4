# Parameters: `latest` or nothing, a requirements file or nothing, then requirements. For each requirement a line: the name, the
# installed version, whether it is as required, and the newest version where that is another; tabs between.
import json, subprocess, sys
from importlib import metadata
from pip._vendor.packaging.requirements import InvalidRequirement, Requirement
from pip._vendor.packaging.utils import canonicalize_name

latest, path, texts = sys.argv[1], sys.argv[2], sys.argv[3:]
if path:
    with open(path, encoding="utf-8") as file:
        joined = file.read().replace("\\\n", " ")
    for line in joined.splitlines():
        line = line.split(" #")[0].strip()
        if line and not line.startswith(("#", "-")):
            texts.append(line.split(" --")[0].strip())

installed = {}
for distribution in metadata.distributions():
    name = distribution.metadata["Name"]
    if name:
        installed.setdefault(canonicalize_name(name), distribution.version)

newest = {}
if latest:
    listed = subprocess.run([sys.executable, "-m", "pip", "list", "--outdated", "--format=json",
                             "--disable-pip-version-check"], stdout=subprocess.PIPE, check=True).stdout
    newest = {canonicalize_name(row["name"]): row["latest_version"] for row in json.loads(listed)}

for text in texts:
    try:
        wanted = Requirement(text)
    except InvalidRequirement as error:
        sys.exit("`%s` is no requirement: %s" % (text, str(error).splitlines()[0]))
    if wanted.marker and not wanted.marker.evaluate():
        continue
    name = canonicalize_name(wanted.name)
    version = installed.get(name, "")
    is_right = bool(version) and wanted.specifier.contains(version, prereleases=True)
    print(wanted.name, version, "yes" if is_right else "", newest.get(name, ""), sep="\t")
