#!/bin/sh
# curl asks one question, whole and streamed, and prints what comes. Where the server is, the environment says.
#
# sh ask_curl.sh MODEL GRAMMAR
set -eu

grammar=$(printf '%s' "$2" | sed 's/[\\"]/\\&/g')
for stream in false true; do
  curl -sS -N "$OPENAI_BASE_URL/chat/completions" -H 'Content-Type: application/json' \
    -H "Authorization: Bearer $OPENAI_API_KEY" -d @- <<END
{"model": "$1", "messages": [{"role": "user", "content": "What is two and two?"}],
 "grammar": "$grammar", "max_tokens": 60, "stream": $stream}
END
  echo
done
