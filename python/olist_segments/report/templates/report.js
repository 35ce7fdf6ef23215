"use strict";
(() => {
  // What a mark says when it is pointed at or touched.
  const tip = document.getElementById("tip");
  const hide = () => { tip.hidden = true; };
  const show = (event) => {
    const mark = event.target instanceof Element ? event.target.closest("[data-tip]") : null;
    if (!mark) { hide(); return; }
    tip.textContent = mark.getAttribute("data-tip");
    tip.hidden = false;
    const { width, height } = tip.getBoundingClientRect();
    const left = Math.min(Math.max(event.clientX - width / 2, 8), document.documentElement.clientWidth - width - 8);
    const above = event.clientY - height - 14;
    tip.style.left = `${left}px`;
    tip.style.top = `${above > 8 ? above : event.clientY + 18}px`;
  };
  document.addEventListener("pointermove", show);
  document.addEventListener("pointerdown", show);
  document.addEventListener("scroll", hide, { passive: true });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });

  // A figure that was drawn for several months gets a choice of them; without this script it shows the newest.
  for (const drawings of document.querySelectorAll("[data-choose]")) {
    const choices = [...drawings.querySelectorAll(".choice")];
    if (choices.length < 2) continue;
    const label = document.createElement("label");
    const select = document.createElement("select");
    label.className = "chooser";
    label.append(`${drawings.dataset.choose} `, select);
    for (const choice of choices) select.append(new Option(choice.dataset.label));
    select.addEventListener("change", () => {
      choices.forEach((choice, place) => { choice.hidden = place !== select.selectedIndex; });
    });
    drawings.prepend(label);
  }
})();
