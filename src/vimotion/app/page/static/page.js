// What the page does without asking the server: the theme, files that are dropped, keys and scrolling.
const vimotion = {
  theme: (name) => {
    document.documentElement.dataset.theme = name;
  },

  /** Writes into the fields of the form, and goes to the message. */
  fill: (fields) => {
    const form = document.querySelector("form.composer");
    for (const [name, value] of Object.entries(fields)) form.elements[name].value = value;
    form.elements.text.focus();
  },

  /** The message is on its way: the form keeps its settings, and what was written meanwhile. */
  sent: (text) => {
    const form = document.querySelector("form.composer");
    const field = form.elements.text;
    if (field.value.startsWith(text)) field.value = field.value.slice(text.length);
    form.elements.answer.value = "any";
  },

  at: (address) => {
    if (address !== location.pathname + location.search) history.replaceState(null, "", address);
  },

  down: () => {
    requestAnimationFrame(() => {
      const turns = document.getElementById("turns");
      turns?.scrollTo({ top: turns.scrollHeight });
    });
  },

  async upload(files) {
    const inbox = document.getElementById("inbox");
    const tell = (name, detail) => inbox.dispatchEvent(new CustomEvent(name, { detail }));
    const body = new FormData();
    for (const file of files) body.append("file", file, file.name);
    document.body.classList.add("uploading");
    try {
      const response = await fetch("/v1/motions", { method: "POST", body });
      const found = await response.json();
      if (response.ok) tell("motion", found.id);
      else tell("problem", found.error.message);
    } catch {
      tell("problem", "The file did not reach the server; try again.");
    } finally {
      document.body.classList.remove("uploading");
    }
  },
};

const KEY = "vimotion-theme";
const wished = window.matchMedia("(prefers-color-scheme: dark)");
vimotion.theme(localStorage.getItem(KEY) ?? (wished.matches ? "dark" : "light"));
wished.addEventListener("change", () => {
  if (!localStorage.getItem(KEY)) vimotion.theme(wished.matches ? "dark" : "light");
});

document.addEventListener("click", (event) => {
  const id = event.target.closest("button")?.id;
  if (id === "theme") {
    vimotion.theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
    localStorage.setItem(KEY, document.documentElement.dataset.theme);
  } else if (id === "add-motion") document.getElementById("files").click();
  // a menu closes when something in it or elsewhere was chosen
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!event.target.closest("summary") || !menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.target.id === "words" && event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    event.target.form.requestSubmit();
  }
  if (event.key === "Escape") for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
});

document.addEventListener("change", (event) => {
  if (event.target.id !== "files") return;
  const files = [...event.target.files];
  event.target.value = "";
  if (files.length) vimotion.upload(files);
});

let over = 0;
const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
const hovering = (change) => {
  over = Math.max(0, over + change);
  document.body.classList.toggle("dropping", over > 0);
};
document.addEventListener("dragenter", (event) => holdsFiles(event) && hovering(1));
document.addEventListener("dragleave", (event) => holdsFiles(event) && hovering(-1));
document.addEventListener("dragover", (event) => holdsFiles(event) && event.preventDefault());
document.addEventListener("drop", (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  hovering(-over);
  vimotion.upload([...event.dataTransfer.files]);
});
