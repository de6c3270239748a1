import "./shell/theme.css";
import { mount } from "svelte";
import App from "./App.svelte";
import { showTheme } from "./shell/preferences.svelte";

showTheme();
mount(App, { target: document.getElementById("app")! });
