// The text that was packed into the script element of that name.
function unpack(name) {
  const packed = document.getElementById(name).textContent;
  const bytes = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}

// The rows and runs that are too many to stand in the page as they are; null where none is
const further = document.getElementById("further") && unpack("further").then(JSON.parse);
