// Mocha runs TypeScript by Node's own type stripping, so an old Node would fail with a syntax error that names the wrong cause.
if (Number(process.versions.node.split('.')[0]) < 24) {
  throw new Error(`the tests need Node 24 or newer, this is ${process.version}: run "npm test", not node_modules/.bin/mocha`)
}
