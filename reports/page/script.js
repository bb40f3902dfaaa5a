// The page is whole without this; it adds a filter, and opens what a link leads to.
(function () {
  var form = document.getElementById("filter");
  function follow() {
    var to = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (to && to.tagName === "DETAILS") { to.classList.remove("hide"); to.open = true; to.scrollIntoView(); to.querySelector("summary").focus(); }
  }
  document.addEventListener("click", function (e) { // the hash does not change when the same link is followed again
    if (e.target.closest && e.target.closest("a.cell")) { setTimeout(follow); }
  });
  window.addEventListener("hashchange", follow);
  follow();
  if (!form) { return; }
  var all = Array.prototype.slice.call(document.querySelectorAll("details.result"));
  function apply() {
    var words = form.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    var rulings = Array.prototype.slice.call(form.querySelectorAll("input[name=ruling]:checked")).map(function (c) { return c.value; });
    var shown = 0;
    all.forEach(function (d) {
      var fits = rulings.some(function (r) { return d.classList.contains(r); }) &&
        words.every(function (w) { return d.dataset.text.toLowerCase().indexOf(w) >= 0; });
      d.classList.toggle("hide", !fits);
      shown += fits ? 1 : 0;
    });
    form.querySelector("output").textContent = shown + " of " + all.length + " shown";
  }
  form.addEventListener("input", apply);
  form.addEventListener("submit", function (e) { e.preventDefault(); });
  form.hidden = false;
  apply();
})();
