// What GitHub's own language service says of workflow and action files:  node languageservice.mjs FILE…
// Prints {file: [message, …]} as JSON. NODE_MODULES is the folder that @actions/languageservice is installed in.
import { readFileSync } from "node:fs";
import { register } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

// The package imports JSON files the way its bundlers like it; Node wants to be told that they are JSON.
const hook = `export const load = (url, context, next) =>
  next(url, url.endsWith(".json") ? { ...context, importAttributes: { type: "json" } } : context);`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);

const modules = process.env.NODE_MODULES;
const load = (name) => import(pathToFileURL(join(modules, name)).href);
const { validate } = await load("@actions/languageservice/dist/index.js");
const { TextDocument } = await load("vscode-languageserver-textdocument/lib/esm/main.js");

const said = {};
for (const file of process.argv.slice(2)) {
  const document = TextDocument.create(pathToFileURL(file).href, "yaml", 1, readFileSync(file, "utf8"));
  said[file] = (await validate(document, {})).map(({ range, message }) => `line ${range.start.line + 1}: ${message}`);
}
console.log(JSON.stringify(said));
