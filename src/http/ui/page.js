// Starts the parts of the page.

import { startCatalogue } from "./catalogue.js";
import { showFilm } from "./film.js";
import { startTraffic } from "./traffic.js";

startCatalogue(showFilm);
startTraffic();

const load = document.getElementById("load");
load.textContent = load.textContent.replace("http://127.0.0.1:5000", location.origin);
