#!/bin/bash
# The jars of one profile of pom.xml into /lake/jars/<profile>: exactly what locks/jars.txt holds, byte for byte.
# Runs in the build stages that are made by Maven; pom.xml and jars.txt lie in the working folder.
set -euo pipefail
profile=$1
mvn --batch-mode --no-transfer-progress --strict-checksums -P "$profile" dependency:copy-dependencies -DoutputDirectory="/lake/jars/$profile"
awk -v profile="$profile" 'NF == 3 && index($3, profile "/") == 1 {print $1 "  " $3}' jars.txt > wanted.txt
(cd /lake/jars && sha256sum --check --quiet --strict -) < wanted.txt
test "$(find "/lake/jars/$profile" -type f | wc -l)" -eq "$(wc -l < wanted.txt)"
