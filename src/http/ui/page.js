// Starts the parts of the page.

import { startCatalogue } from "./catalogue.js";
import { showFilm } from "./film.js";
import { startTraffic } from "./traffic.js";

startCatalogue(showFilm);
startTraffic();

document.getElementById("load").textContent = `wrk -c 64 -d 30 ${location.origin}/films/995/`;
