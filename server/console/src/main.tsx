// Where the console starts: finds out who is signed in and puts the app on the page.
import { render } from "preact";
import { App } from "./app";
import { findSession } from "./session";
import "uplot/dist/uPlot.min.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/alarms.css";
import "./styles/pages.css";

const root = document.getElementById("app");
if (root) render(<App />, root);
void findSession();
