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

  // Every figure can save its table: the cells as they are shown, numbers without the commas between thousands.
  const quoted = (cell) => {
    let text = cell.textContent.trim();
    const number = text.replaceAll(",", "").replace("−", "-");
    if (cell.matches("td.number") && /^[-+]?[\d.]+%?$/.test(number)) text = number;
    else if (text === "–") text = "";
    // A spreadsheet would take such a name for a formula.
    else if (/^[=+\-@＝＋－＠]/.test(text)) text = `'${text}`;
    return `"${text.replaceAll('"', '""')}"`;
  };
  for (const figure of document.querySelectorAll("figure[id]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Save as CSV";
    button.setAttribute("aria-describedby", `title-${figure.id.replace("figure-", "")}`);
    button.addEventListener("click", () => {
      const lines = [...figure.querySelectorAll("tr")].map((row) => [...row.cells].map(quoted).join(","));
      const link = document.createElement("a");
      // Excel reads no accents without the mark in front.
      link.href = URL.createObjectURL(new Blob([`\ufeff${lines.join("\r\n")}\r\n`], { type: "text/csv" }));
      link.download = `${figure.id.replace("figure-", "")}.csv`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    });
    figure.querySelector(".behind").append(button);
  }
})();
