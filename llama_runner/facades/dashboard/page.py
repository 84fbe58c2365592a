"""The one page that the dashboard's port serves until the dashboard itself is built."""

from __future__ import annotations

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>LlamaRunner Pro</title>
<style>
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
         color: #1d2129; background: #fff; }
  @media (prefers-color-scheme: dark) { body { color: #e5e6eb; background: #17171a; } }
  h1 { font-size: 1.4rem; } table { border-collapse: collapse; width: 100%; }
  th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #8884; }
  #live { float: right; font-size: .9rem; opacity: .7; }
</style>
<h1>LlamaRunner Pro <span id="live">connecting …</span></h1>
<table><thead><tr><th>Listener</th><th>Address</th></tr></thead>
<tbody id="listeners"></tbody></table>
<h2>Models</h2>
<table><thead><tr><th>Model</th><th>State</th></tr></thead><tbody id="models"></tbody></table>
<h2>Requests</h2>
<table><thead><tr><th>Model</th><th>Route</th><th>Outcome</th><th>Seconds</th></tr></thead>
<tbody id="requests"></tbody></table>
<script>
  const row = (...cells) => {
    const line = document.createElement("tr");
    for (const cell of cells) {
      line.appendChild(document.createElement("td")).textContent = cell ?? "";
    }
    return line;
  };
  const fill = (id, rows) => document.getElementById(id).replaceChildren(...rows);
  const states = new Map();
  const showModels = () => fill("models", [...states].map(([name, state]) => row(name, state)));
  const take = {
    status(message) {
      fill("listeners", Object.entries(message.listeners).map(([n, url]) => row(n, url ?? "off")));
      for (const model of message.models) states.set(model.key, model.state);
      showModels();
    },
    RunnerChanged(message) {
      states.set(message.model, [message.state, message.detail].filter(Boolean).join(" "));
      showModels();
    },
    Exchange(message) {
      const line = row(message.model, message.route, message.outcome, message.total.toFixed(2));
      const table = document.getElementById("requests");
      table.prepend(line);
      while (table.children.length > 50) table.lastChild.remove();
    },
  };
  const connect = () => {
    const socket = new WebSocket(`ws://${location.host}/api/events`);
    const live = document.getElementById("live");
    socket.onopen = () => { live.textContent = "live"; };
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      take[message.type]?.(message);
    };
    socket.onclose = () => { live.textContent = "not connected"; setTimeout(connect, 2000); };
  };
  connect();
</script>
</html>
"""
