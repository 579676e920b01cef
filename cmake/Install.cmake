# What `cmake --install build/release --prefix <folder>` puts there: a tree that may be moved
# as a whole, and runs on a Debian with the packages of deploy/docker/install_packages.sh.
#
#   bin/    the programs
#   lib/    LibTorch, and of the wheels beside it what its CPU library needs
#   share/  the demo model, licences
#
# `--component cuda` adds what a GPU needs: LibTorch's CUDA libraries, NVIDIA's from the wheels,
# and our kernels where they were built.
set(programs upscaler-server upscaler-gateway upscale upscaler-probe)
set_target_properties(${programs} PROPERTIES INSTALL_RPATH "$ORIGIN/../lib")
install(TARGETS ${programs} RUNTIME_DEPENDENCY_SET upscaler_libraries DESTINATION bin)

# Everything else that the programs are linked with is Debian's.
install(RUNTIME_DEPENDENCY_SET upscaler_libraries
  PRE_EXCLUDE_REGEXES "^ld-linux"
  POST_INCLUDE_REGEXES "^${UPSCALER_DEPS}/"
  POST_EXCLUDE_REGEXES "."
  LIBRARY DESTINATION lib)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/checkpoints/demo DESTINATION share/upscaler)
file(GLOB libtorch_licenses ${UPSCALER_DEPS}/torch-*.dist-info/licenses/*)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION share/doc/upscaler)
install(FILES ${libtorch_licenses} DESTINATION share/doc/upscaler/libtorch)

if(TARGET upscaler_cuda)
  set_target_properties(upscaler_cuda PROPERTIES INSTALL_RPATH "$ORIGIN")
  install(TARGETS upscaler_cuda LIBRARY DESTINATION lib COMPONENT cuda EXCLUDE_FROM_ALL)
endif()

# Found when they are installed: the wheels may come after the build. Left out is what neither
# LibTorch nor we load: compilers, profilers, several machines, and older or wider interfaces of
# what is there. They find one another, since each looks into its own folder.
install(CODE "
  file(GLOB libraries
    ${LibTorch_ROOT}/lib/libc10_cuda.so ${LibTorch_ROOT}/lib/libcaffe2_nvrtc.so
    ${LibTorch_ROOT}/lib/libtorch_cuda*.so ${LibTorch_ROOT}/lib/libtorch_nvshmem.so
    ${UPSCALER_DEPS}/nvidia/*/lib/lib*.so.*)
  list(FILTER libraries EXCLUDE REGEX
    \"\\\\.alt\\\\.|/lib(nvvm|cusolverMg|nvblas|cufftw|cufile_rdma)\\\\.\")
  file(INSTALL DESTINATION \"\${CMAKE_INSTALL_PREFIX}/lib\" TYPE SHARED_LIBRARY FILES \${libraries})
" COMPONENT cuda EXCLUDE_FROM_ALL)
