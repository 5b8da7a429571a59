// har-validator's verdict on a HAR file, by the JSON schema of HAR 1.2: nothing if it is valid, else each error.
//
// node check_har.js FILE
const { readFileSync } = require("node:fs");
const validate = require("har-validator/lib/promise");

validate.har(JSON.parse(readFileSync(process.argv[2], "utf8"))).catch((failed) => {
  for (const error of failed.errors) console.log(error.dataPath, error.message, JSON.stringify(error.params));
});
