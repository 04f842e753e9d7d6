#include "compiler/cli/options.h"
namespace firewright::cli {
Exit apply(const ApplyOptions&, Console& console) { complain(console, "placeholder"); return Exit::system; }
}
