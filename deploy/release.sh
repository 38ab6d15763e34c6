#!/bin/sh
# For a release: a list of what the package consists of (sbom.cdx.json), and the digest of each image beside its tag, as the registry
# that has it says. Where one cannot be reached nothing is changed: a digest is never made up.
set -eu
cd "$(dirname "$0")/.."

# Of a copy without what only development needs: with --omit dev, npm leaves out what development needs as well.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp package.json package-lock.json "$copy"
(cd "$copy" && npm pkg delete devDependencies && npm install --package-lock-only --ignore-scripts --offline --no-audit --silent)
(cd "$copy" && npm sbom --package-lock-only --sbom-format cyclonedx) > sbom.cdx.json

files="docker-compose.yml Dockerfile"
# shellcheck disable=SC2086
images=$(sed -n -E 's/^ *image: ([^$@ ]+:[^@ ]+)(@.*)?$/\1/p; s/^FROM ([^@ ]+:[^@ ]+)(@[^ ]+)?( .*)?$/\1/p' $files | grep -v ':local$' | sort -u)
digests=""
for image in $images; do
  digest=$(docker buildx imagetools inspect --format '{{.Manifest.Digest}}' "$image") || {
    echo "the registry of $image cannot be reached: no digest was written" >&2
    exit 1
  }
  case $digest in
    sha256:????????????????????????????????????????????????????????????????) ;;
    *)
      echo "the registry gave no digest of $image: none was written" >&2
      exit 1
      ;;
  esac
  digests="$digests $image@$digest"
done
for pinned in $digests; do
  image=${pinned%@*}
  # shellcheck disable=SC2086
  sed -i -E "s|(image: \|FROM )$image(@sha256:[0-9a-f]+)?( \|\$)|\1$pinned\3|" $files
done
