# What `cmake --install` puts below its prefix. The programs look for lib/unlasting beside the bin
# that they run from (trainer/commands/torch_program.cc, server/models/evaluator.cc), so it is `lib`
# on every system, whatever the system's own folder for libraries is called.
#
# Component `programs` needs no LibTorch and does all but train, `inspect --verify` and
# `evaluator: torchscript`; component `torch` adds those three.
install(TARGETS unlasting unlasting-server unlasting-train
        RUNTIME DESTINATION bin COMPONENT programs)
install(FILES LICENSE DESTINATION share/doc/unlasting COMPONENT programs)
install(TARGETS unlasting-train-torch unlasting_torchscript
        RUNTIME DESTINATION lib/unlasting COMPONENT torch
        LIBRARY DESTINATION lib/unlasting COMPONENT torch)
