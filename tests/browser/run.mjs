// Runs one scenario and prints it as TAP: node run.mjs NAME. Started by test_browser.py, which answers its questions.
import { finish, start } from "./harness.mjs";

const name = process.argv[2];
const { default: scenario } = await import(`./scenarios/${name}.mjs`);
const stage = await start(name);
let failure = null;
try {
  await scenario(stage);
} catch (error) {
  failure = error;
}
process.exit(await finish(stage, failure));
