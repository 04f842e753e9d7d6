// Looks at the page that it is put into, in a frame, and writes what it finds into the page around
// it, where --dump-dom shows it.
'use strict';
(async () => {
  const found = { errors: [], faults: [] };
  window.addEventListener('error', (event) => found.errors.push(event.message));
  const fault = (what, node) =>
    found.faults.push(what + ': ' + (node ? node.outerHTML.slice(0, 120) : ''));
  const shown = (node) => node.getClientRects().length > 0 &&
    getComputedStyle(node).visibility !== 'hidden';

  // --- colours

  const colour = (text) => {
    const parts = text.match(/[\d.]+/g).map(Number);
    return { rgb: parts.slice(0, 3), alpha: parts.length > 3 ? parts[3] : 1 };
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const background = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const { rgb, alpha } = colour(getComputedStyle(at).backgroundColor);
      if (alpha === 1) return rgb;
      if (alpha !== 0) fault('a background that is seen through', at);
    }
    return null;
  };
  const checkContrast = () => {
    let least = 99;
    let texts = 0;
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode.parentElement;
      if (!walker.currentNode.data.trim() || node.tagName === 'SCRIPT' || !shown(node)) continue;
      const behind = background(node);
      if (!behind) { fault('no background', node); continue; }
      const ratio = contrast(colour(getComputedStyle(node).color).rgb, behind);
      least = Math.min(least, ratio);
      ++texts;
      if (ratio < 4.5) fault('contrast ' + ratio.toFixed(2), node);
    }
    found.contrast = Number(least.toFixed(2));
    found.texts = texts;
    found.page = getComputedStyle(document.body).backgroundColor;
  };

  // --- room

  const checkWidth = () => {
    const root = document.documentElement;
    found.width = root.clientWidth;
    if (root.scrollWidth > root.clientWidth) fault('the page is wider than its window', root);
    for (const node of document.body.querySelectorAll('*')) {
      if (!shown(node) || node.closest('.scroll') || node.closest('caption, .skip')) continue;
      const box = node.getBoundingClientRect();
      if (box.right > root.clientWidth + 1 || box.left < -1) fault('runs out of the page', node);
    }
    for (const node of document.querySelectorAll('.scroll'))
      if (node.scrollWidth > node.clientWidth && node.tabIndex !== 0)
        fault('scrolls for pointers only', node);
  };

  // --- keyboard

  const checkKeyboard = () => {
    const wanted = [...document.querySelectorAll('a[href], summary, [tabindex]')].filter(shown);
    const rules = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]);
    const mark = (rules.find((rule) => rule.selectorText === ':focus-visible') || {}).style;
    found.stops = wanted.length;
    if (wanted.some((node) => node.tabIndex !== 0)) fault('out of the order of the page', wanted[0]);
    for (const node of wanted) {
      node.focus();
      if (document.activeElement !== node) { fault('takes no focus', node); continue; }
      // A window that is in the background shows no focus, but its rules are there.
      const style = node.matches(':focus-visible') ? getComputedStyle(node) : mark;
      const hidden = node.style.outlineStyle === 'none' || !style;
      if (hidden || style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 2)
        fault('focus cannot be seen', node);
      const box = node.getBoundingClientRect();
      if (node.tagName !== 'DIV' && (box.height < 18 || box.width < 18)) fault('too small', node);
    }
    if (wanted[0].hash !== '#content') fault('the first stop is not the way past', wanted[0]);
    for (const node of document.querySelectorAll('a[href]'))
      if (!document.querySelector(node.hash)) fault('leads nowhere', node);
    // Those that open do so.
    for (const node of document.querySelectorAll('summary')) {
      const before = node.parentElement.open;
      node.click();
      if (node.parentElement.open === before) fault('does not open', node);
    }
  };

  // --- structure

  const checkStructure = () => {
    if (document.querySelectorAll('main').length !== 1) fault('not one main part');
    for (const table of document.querySelectorAll('table'))
      for (const cell of table.querySelectorAll('td')) {
        const row = cell.parentElement;
        const head = table.querySelectorAll('thead th').length;
        if (row.children.length !== head) fault('a row of another length', row);
        if (!row.querySelector('th[scope=row]')) fault('a row without a heading', row);
      }
    for (const table of document.querySelectorAll('.matrix, .wide'))
      found.tables = (found.tables || 0) + 1;
  };

  try {
    checkStructure();
    checkContrast();
    checkWidth();
    checkKeyboard();  // opens everything
    checkContrast();
    checkWidth();
    await document.fonts.ready;
    found.requests = performance.getEntriesByType('resource').map((entry) => entry.name);
  } catch (error) {
    found.errors.push(String(error));
  }
  const out = window.parent.document.createElement('pre');
  out.id = 'found';
  out.textContent = JSON.stringify(found);
  window.parent.document.body.append(out);
})();
