#!/usr/bin/env bash
# Deploys what `cargo xtask package` made: infra/deploy.sh BUCKET [FILE] [Parameter=Value ...]
#
#   BUCKET     a private bucket in the region of the deployment, for the packages and the file
#   FILE       the declared forest; forester.yaml unless named
#   Parameter  inputs of infra/template.yaml, for example AlarmTopic=arn:aws:sns:us-east-1:111122223333:on-call
#
# STACK names the stack (forester). The file is read first, and nothing is uploaded if it has a mistake. Running it again
# updates; the file alone is picked up without a deployment, by `aws s3 cp` to the same place.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
[ $# -ge 1 ] || { sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2; }
bucket=$1
shift
file=$root/forester.yaml
if [ $# -gt 0 ] && [[ $1 != *=* ]]; then
    file=$1
    shift
fi
stack=${STACK:-forester}
[ -f "$file" ] || { echo "there is no file $file; forester.example.yaml is one to begin with" >&2; exit 1; }
[ -f "$root/dist/account-baseline.zip" ] || { echo "dist/ holds no packages: run cargo xtask package first" >&2; exit 1; }

# The command line reads the file as the functions do.
(cd "$root" && ${FORESTER:-cargo forester} validate --config "$(realpath "$file")")
aws s3 cp "$file" "s3://$bucket/$stack/forester.yaml"
aws cloudformation package --template-file "$here/template.yaml" --s3-bucket "$bucket" --s3-prefix "$stack" \
    --output-template-file "$root/dist/template.yaml"
# The template is larger than what CloudFormation takes by itself (51,200 bytes), hence the bucket.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
aws cloudformation deploy --template-file "$root/dist/template.yaml" --s3-bucket "$bucket" --s3-prefix "$stack" \
    --stack-name "$stack" --capabilities CAPABILITY_IAM CAPABILITY_AUTO_EXPAND --no-fail-on-empty-changeset \
    --parameter-overrides "ConfigUri=s3://$bucket/$stack/forester.yaml" "ConfigBucket=$bucket" "$@"
aws cloudformation describe-stacks --stack-name "$stack" --query 'Stacks[0].Outputs' --output table
(cd "$root" && ${FORESTER:-cargo forester} doctor --config "$(realpath "$file")")
